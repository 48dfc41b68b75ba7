#!/bin/bash
# Runs in the container of the fakes, which has the test's folder as $FAKE and NET_ADMIN: the real addresses of the instance
# metadata and of an API server on the loopback interface, a throw-away CA, moto and the fakes. Ends with the first that ends.
set -euo pipefail
cd "$FAKE"
umask 022
ip address add 169.254.169.254/32 dev lo
ip address add 10.96.0.1/32 dev lo

authority() { # NAME: a CA of its own
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null
}
authority ca
authority other-ca
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=kubernetes -keyout server.key -out server.csr 2>/dev/null
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 1 -extfile <(echo subjectAltName=IP:10.96.0.1) -out server.crt 2>/dev/null
cat server.crt server.key >server.pem

moto_server --host 127.0.0.1 --port 5000 >moto.log 2>&1 &
PYTHONDONTWRITEBYTECODE=1 python3 "$FAKE_CODE/fake_aws.py" &
PYTHONDONTWRITEBYTECODE=1 python3 "$FAKE_CODE/fake_kubernetes.py" &
curl --silent --output /dev/null --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:5000/moto-api/
touch moto-ready
wait -n
