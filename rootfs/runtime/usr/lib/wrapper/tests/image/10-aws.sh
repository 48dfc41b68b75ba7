#!/bin/bash
# aws asks a server who it is, with a signed request, and reads the answer: with keys, and with those that it gets for a web identity.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash
serve '
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        if "Action=AssumeRoleWithWebIdentity" in body:
            good = True
            answer = b"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>AKIDEXAMPLE</AccessKeyId><SecretAccessKey>example</SecretAccessKey><SessionToken>example</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
        else:
            good = signed and "Action=GetCallerIdentity" in body
            answer = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/test</Arn><UserId>AIDATEST</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
        self.send_response(200 if good else 403)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(answer if good else b"")
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port)
server.serve_forever()'

export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=example AWS_DEFAULT_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null
unset AWS_SESSION_TOKEN AWS_PROFILE HTTP_PROXY http_proxy
says() { aws sts get-caller-identity --endpoint-url "http://127.0.0.1:$port" --query Account --output text; }
account=$(says)
[ "$account" = 123456789012 ] || fail "aws says '$account'"

# With a web identity, which needs no writable folder when the shell function takes the keys. Any file is a token here.
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
export AWS_ROLE_ARN=arn:aws:iam::123456789012:role/test AWS_WEB_IDENTITY_TOKEN_FILE=/etc/hostname AWS_ENDPOINT_URL_STS="http://127.0.0.1:$port"
# shellcheck source=../../../image/functions.sh
. /usr/lib/image/functions.sh
aws_assume_web_identity 2>/dev/null || fail "aws_assume_web_identity ended with $?"
account=$(says)
[ "$account" = 123456789012 ] || fail "aws after aws_assume_web_identity says '$account'"
aws_clear_credentials

# By itself the CLI keeps them below HOME, and fails where it cannot.
for folder in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm; do
    if home=$(mktemp -d "$folder/image-suite.XXXXXX" 2>/dev/null); then break; fi
done
if [ -z "$home" ]; then
    echo "aws by itself with a web identity was not tried: there is no writable folder for HOME"
    exit
fi
trap 'rm -rf "$home"; kill "$server" 2>/dev/null || true' EXIT
account=$(HOME=$home says)
[ "$account" = 123456789012 ] || fail "aws with a web identity says '$account'"
