"""Instance metadata that insists on IMDSv2, and a gate in front of moto's STS.

moto answers without a session token and knows no region, so 169.254.169.254:80 asks for the token, as EC2 does with
HttpTokens=required, and takes the rest from moto. 127.0.0.1:8080 logs what STS is asked and passes it to moto.
"""

import secrets
import urllib.error
import urllib.request

from fake import FOLDER, Handler, serve

MOTO = "http://127.0.0.1:5000"
STS_ERRORS = {400: "InvalidIdentityToken", 403: "AccessDenied", 418: "ExpiredTokenException", 500: "InternalFailure"}
OWN = {
    "/latest/meta-data/placement/region": "eu-west-3",
    "/latest/meta-data/instance-id": "i-0123456789abcdef0",
    "/latest/dynamic/instance-identity/document": '{\n  "region" : "eu-west-3"\n}',
    "/latest/meta-data/empty": "",
}
tokens = set()


class Imds(Handler):
    server_name = "imds"

    def respond(self):
        if self.path == "/latest/api/token":
            ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            if self.command != "PUT" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
                return self.refuse(400)
            token = secrets.token_urlsafe(40) + "=="
            tokens.add(token)
            with open(f"{FOLDER}/imds-token", "w", encoding="utf-8") as file:
                file.write(token)
            return self.answer(200, token, "text/plain")
        if self.command != "GET":
            return self.refuse(405)
        if self.headers.get("X-aws-ec2-metadata-token") not in tokens:
            return self.refuse(401)
        if self.path in OWN:
            return self.answer(200, OWN[self.path], "text/plain")
        if self.path.startswith("/latest/meta-data/iam/"):
            with urllib.request.urlopen(MOTO + self.path) as answer:
                return self.answer(200, answer.read().decode(), "text/plain")
        return self.refuse(404)

    def refuse(self, code):
        self.answer(code, f"<html><h1>{code}</h1></html>", "text/html")


class Sts(Handler):
    server_name = "sts"

    def respond(self):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        request = urllib.request.Request(MOTO + self.path, self.body.encode(), headers, method=self.command)
        try:
            with urllib.request.urlopen(request) as answer:
                self.answer(answer.status, answer.read().decode(), "text/xml")
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read().decode(), "text/xml")

    def refuse(self, code):
        name = STS_ERRORS[code]
        self.answer(400 if code == 418 else code, f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<Error><Type>Sender</Type><Code>{name}</Code><Message>the fake says {name}</Message></Error><RequestId>1</RequestId></ErrorResponse>""", "text/xml")


serve("169.254.169.254", 80, Imds)
serve("127.0.0.1", 8080, Sts)
open(f"{FOLDER}/aws-ready", "w", encoding="utf-8").close()
