#!/bin/bash
# kubectl asks a server and makes a manifest.
set -euo pipefail
# shellcheck source=../../../image/loopback.bash
. /usr/lib/image/loopback.bash
serve_http

path=$(kubectl --kubeconfig /dev/null --server "http://127.0.0.1:$port" get --raw /api/v1/namespaces/test/pods | jq --raw-output .path)
[ "$path" = /api/v1/namespaces/test/pods ] || fail "kubectl asked for '$path'"
image=$(kubectl --kubeconfig /dev/null create deployment web --image=web:1 --dry-run=client --output json | jq --raw-output '.spec.template.spec.containers[0].image')
[ "$image" = web:1 ] || fail "kubectl made a deployment of '$image'"
