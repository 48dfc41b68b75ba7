#!/bin/bash
# aws gets keys for a web identity, asks a server who it is with a signed request, and reads the answer.
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

export AWS_DEFAULT_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null
export AWS_ENDPOINT_URL_STS="http://127.0.0.1:$port"
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE HTTP_PROXY http_proxy
# One call: each costs a second of processor time. With a web identity it asks twice, and keeps the keys below HOME. Any file
# is a token here.
for folder in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm; do
    if home=$(mktemp -d "$folder/image-suite.XXXXXX" 2>/dev/null); then break; fi
done
if [ -n "$home" ]; then
    trap 'rm -rf "$home"; kill "$server" 2>/dev/null || true' EXIT
    export HOME=$home AWS_ROLE_ARN=arn:aws:iam::123456789012:role/test AWS_WEB_IDENTITY_TOKEN_FILE=/etc/hostname
else
    echo "aws with a web identity was not tried: there is no writable folder for HOME"
    export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=example
fi
account=$(aws sts get-caller-identity --query Account --output text)
[ "$account" = 123456789012 ] || fail "aws says '$account'"
