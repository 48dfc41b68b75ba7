#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154  # single quotes: expanded in the container; variables shared with support.bash
# The functions for Kubernetes, in the image, in bash and dash: against an API server over TLS that checks token and paths.

bats_require_minimum_version 1.5.0

pods=/api/v1/namespaces/shop/pods
me=$pods/db-0

setup_file() {
    load functions/support
    start_containers
}

teardown_file() {
    load functions/support
    remove_containers
}

setup() {
    load functions/support
    reset_world
}

# fails_like_http CALL NAME: what every function that asks the API server does when that refuses, fails, hangs, is someone else.
fails_like_http() {
    options=(-e K8S_TIMEOUT=1)
    fault 401
    lib 77 "$1"
    says "$2: error: " "HTTP 401" "the fake says Unauthorized" "is not accepted"
    fault 403
    lib 77 "$1"
    says "$2: error: " "HTTP 403" "the fake says Forbidden" "RoleBinding"
    fault 409
    lib 1 "$1"
    says "$2: error: " "HTTP 409" "the fake says Conflict" "read it again"
    fault 500
    lib 69 "$1"
    says "$2: error: " "HTTP 500" "the fake says InternalError" "try it again"
    fault hang
    lib 75 "$1"
    says "$2: error: " "https://10.96.0.1:443 did not answer in time"
}

@test "k8s_namespace and k8s_pod_name: the downward API first, else the service account and the host's name" {
    lib 0 'k8s_namespace; k8s_pod_name'
    prints $'shop\ndb-0'
    options=(-e POD_NAMESPACE=other -e POD_NAME=web-7)
    lib 0 'k8s_namespace; k8s_pod_name'
    prints $'other\nweb-7'
    sent length 0
    for call in 'k8s_namespace x' 'k8s_pod_name x' 'POD_NAMESPACE=a/b; k8s_namespace' 'POD_NAME=../b; k8s_pod_name' 'POD_NAME=UP; k8s_self_get' 'POD_NAMESPACE=a/b; k8s_scale_sts db 1'; do
        lib 2 "$call"
        says "k8s_"
        sent length 0
    done
}

@test "k8s_namespace: no service account" {
    rm "$BATS_FILE_TMPDIR/account/namespace"
    lib 69 k8s_namespace
    printf shop >"$BATS_FILE_TMPDIR/account/namespace"
    says "no POD_NAMESPACE, and cannot read $account/namespace" "export POD_NAMESPACE"
}

@test "k8s_api: the request: method, path, token, content type, body" {
    lib 0 "k8s_api GET '$me?pretty=false' | jq -r .metadata.name"
    prints db-0
    sent '.[] | [.method, .path, .headers.authorization, .headers["content-type"], .body]' "[\"GET\",\"$me?pretty=false\",\"Bearer $token\",null,\"\"]"
    body=$'{"metadata": {"annotations":\t{"a": "quote \\" back\\\\slash \'single\' $HOME `x` %s é @file"}},\n\n"x": 1}'
    printf %s "$body" >"$BATS_FILE_TMPDIR/account/body"
    for call in "k8s_api PATCH $me \"\$(cat $account/body)\"" "k8s_api PATCH $me - <$account/body"; do
        lib 0 "$call | jq -r .metadata.annotations.a"
        prints "quote \" back\\slash 'single' \$HOME \`x\` %s é @file"
        sent '.[] | [.method, .headers["content-type"]]' '["PATCH","application/merge-patch+json"]'
        [[ $(jq -r .body "$BATS_TEST_TMPDIR/requests.dash") == "$body" ]]
    done
    lib 0 "k8s_api -t application/json-patch+json PATCH $me '[]' | jq -r .kind"
    prints Pod
    sent '.[0].headers["content-type"]' application/json-patch+json
    lib 0 "k8s_api POST /api/v1/namespaces/shop/events '{\"metadata\":{\"generateName\":\"x.\"}}' | jq -r .metadata.name"
    prints x.17
    sent '.[0].headers["content-type"]' application/json
}

@test "k8s_api: the token is read anew for each request, since it rotates" {
    docker exec "$fakes" sh -c 'printf new.token >/fake/token'
    lib 77 "k8s_api GET $me"
    says "the token in $account/token is not accepted"
    printf new.token >"$BATS_FILE_TMPDIR/account/token"
    lib 0 "k8s_api GET $me | jq -r .metadata.name"
    docker exec -e "token=$token" "$fakes" sh -c 'printf %s "$token" >/fake/token'
    prints db-0
}

@test "k8s_api: refused, failing, hanging; a proxy's page; not found; too busy" {
    fails_like_http "k8s_api GET $me" k8s_api
    fault html
    lib 69 "k8s_api GET $me"
    says "HTTP 502: <html><h1>Bad Gateway"
    fault 429
    lib 75 "k8s_api GET $me"
    says "busy"
    fault 422
    lib 1 "k8s_api PATCH $me {}"
    says "HTTP 422"
    rm "$BATS_FILE_TMPDIR/fake/fault"
    lib 1 "k8s_api GET $pods/nobody"
    says 'HTTP 404: pods "nobody" not found' "namespace"
}

@test "an answer that is not the object is no success, and is not shown: code 69" {
    for body in '{}' '' '<html>It works</html>' '[]' 'null' '{"metadata": {"name": "a"}} {"metadata": {"name": "b"}}' '{"metadata": {"name": "a\u001b[2J"}}' '{"status": "Success", "data": {"key": "c2VjcmV0"}}'; do
        instead 200 "$body"
        lib 0 'for call in k8s_self_get "k8s_self_annotate a=b" "k8s_self_label a=b" "k8s_self_patch {}" "k8s_scale_sts db 3" k8s_owner "k8s_secret_get app" "k8s_secret_get app key" "k8s_event Reason text"; do
            code=0; $call || code=$?; echo $code
        done'
        [[ $output == "$(printf '69\n%.0s' {1..9})" ]] || { echo "$body: $output"; return 1; }
        # Nothing but our own two lines for each.
        [[ $(wc -l <<<"$errors") -eq 18 && $(grep -cE '^k8s_[a-z_]+: error: [A-Z]+ /api.*: the answer is not the object$' <<<"$errors") -eq 9 ]] || { echo "$body: $errors"; return 1; }
        lib 69 'k8s_can_i get pods'
        says "k8s_can_i: error: the API server's answer has no .status.allowed"
        [[ $(wc -l <<<"$errors") -eq 1 ]]
    done
    instead 200 '{"metadata": {"name": "db-0"}}'
    lib 69 'k8s_event Reason text'
    says "pod/db-0 has no uid"
    # k8s_api takes any answer: a list and a health check have no name.
    instead 200 ok
    lib 0 'k8s_api GET /healthz'
    prints ok
}

@test "what a server says comes to the terminal without control characters" {
    instead 403 '{"message": "red \u001b[31m, bell \u0007, CSI \u009b2J, é,\nnext\tline"}'
    lib 77 "k8s_api GET $me"
    says $'red [31m, bell , CSI 2J, é,\nnext\tline'
    instead 500 $'plain \e[2J\r\x7f\xc2\x9b body'
    lib 69 "k8s_api GET $me"
    says "HTTP 500: plain [2J body"
    # Where even sed is missing, it is said as it is.
    lib 2 'PATH=/nowhere; k8s_api GET api'
    says "not a path, or not encoded: 'api'"
}

@test "k8s_api: a server that another CA vouches for, nobody there, an unknown host" {
    cp "$BATS_FILE_TMPDIR/fake/other-ca.crt" "$BATS_FILE_TMPDIR/account/ca.crt"
    lib 69 "k8s_api GET $me"
    says "no trusted TLS connection to https://10.96.0.1:443"
    sent length 0
    options=(-e KUBERNETES_SERVICE_PORT=9)
    lib 69 "k8s_api GET $me"
    says "https://10.96.0.1:9 cannot be reached"
    options=(-e KUBERNETES_SERVICE_HOST=::1 -e KUBERNETES_SERVICE_PORT=9)
    lib 69 "k8s_api GET $me"
    says "https://[::1]:9 cannot be reached"
}

@test "k8s_api: no pod, no service account, one that this uid may not read, half a token" {
    options=(-e KUBERNETES_SERVICE_HOST=)
    lib 69 "k8s_api GET $me"
    says "KUBERNETES_SERVICE_HOST is not set"
    options=()
    chmod 0600 "$BATS_FILE_TMPDIR/account/token"
    lib 77 "k8s_api GET $me"
    says "uid 23456 may not read $account/token" fsGroup
    chmod 0644 "$BATS_FILE_TMPDIR/account/token"
    for text in '' 'a b' $'a\nheader = "x: y"'; do
        printf %s "$text" >"$BATS_FILE_TMPDIR/account/token"
        lib 77 "k8s_api GET $me"
        says "$account/token holds no token"
    done
    rm "$BATS_FILE_TMPDIR/account/token"
    lib 69 "k8s_api GET $me"
    says "$account/token is not there" automountServiceAccountToken
    sent length 0
}

@test "k8s_api: a wrong call is refused before any request" {
    for call in k8s_api 'k8s_api GET' 'k8s_api get /api' 'k8s_api GET api' 'k8s_api GET "/a b"' 'k8s_api GET /a#b' 'k8s_api GET /api x' 'k8s_api -x GET /api' 'k8s_api -t a/b GET' \
        'k8s_api POST /a b c' 'k8s_api GET "/a
b"' 'K8S_TIMEOUT=1s; k8s_api GET /api'; do
        lib 2 "$call"
        says "k8s_api: error: "
        sent length 0
    done
}

@test "k8s_api: token and body on no command line, nothing secret under set -x" {
    options=(-e K8S_TIMEOUT=3)
    for shell in bash dash; do
        fault hang
        secret_is_hidden "$token" kubernetes "k8s_api GET $me" $shell
        printf hush-hush >"$BATS_FILE_TMPDIR/account/hush"
        secret_is_hidden hush-hush kubernetes "k8s_api POST $pods - <$account/hush" $shell
    done
}

@test "k8s_self_get: this pod, or what a filter takes of it" {
    lib 0 'k8s_self_get | jq -r .metadata.name; k8s_self_get .spec.nodeName'
    prints $'db-0\nnode-7'
    sent '.[] | [.method, .path]' "[\"GET\",\"$me\"]
[\"GET\",\"$me\"]"
    options=(-e POD_NAME=web-x)
    lib 0 'k8s_self_get .metadata.uid'
    prints uid-web-x
    lib 2 'k8s_self_get .a .b'
    lib 2 'k8s_self_get ".["'
    says "jq does not understand the filter '.['"
    options=(-e POD_NAME=nobody)
    lib 1 k8s_self_get
    says 'pods "nobody" not found'
    fails_like_http k8s_self_get k8s_self_get
}

@test "k8s_self_annotate and k8s_self_label: one merge patch sets and removes" {
    lib 0 'k8s_self_annotate "note=a=b \"c\"" example.com/owner=me old-'
    prints pod/db-0
    sent '.[] | [.method, .path, .headers["content-type"], (.body | fromjson)]' \
        "[\"PATCH\",\"$me\",\"application/merge-patch+json\",{\"metadata\":{\"annotations\":{\"note\":\"a=b \\\"c\\\"\",\"example.com/owner\":\"me\",\"old\":null}}}]"
    lib 0 'k8s_self_label app.kubernetes.io/part-of=shop empty= role-'
    prints pod/db-0
    sent '.[] | [.method, .path, .headers["content-type"], (.body | fromjson)]' \
        "[\"PATCH\",\"$me\",\"application/merge-patch+json\",{\"metadata\":{\"labels\":{\"app.kubernetes.io/part-of\":\"shop\",\"empty\":\"\",\"role\":null}}}]"
    for function in k8s_self_annotate k8s_self_label; do
        for call in '' key '=value' '-' 'a=1 "b c=2"' '--all'; do
            lib 2 "$function $call"
            says "usage: $function KEY=VALUE|KEY-..."
            sent length 0
        done
        fails_like_http "$function a=b" $function
    done
}

@test "k8s_self_patch: the three kinds, from an argument or stdin" {
    lib 0 $'k8s_self_patch \'{"spec": {"activeDeadlineSeconds": 60}}\''
    prints pod/db-0
    sent '.[] | [.method, .path, .headers["content-type"], .body]' "[\"PATCH\",\"$me\",\"application/strategic-merge-patch+json\",\"{\\\"spec\\\": {\\\"activeDeadlineSeconds\\\": 60}}\"]"
    lib 0 'echo "{}" | k8s_self_patch merge -'
    sent '.[0] | [.headers["content-type"], .body]' '["application/merge-patch+json","{}"]'
    lib 0 'k8s_self_patch json "[]"'
    sent '.[0] | [.headers["content-type"], .body]' '["application/json-patch+json","[]"]'
    for call in '' '{' '""x' 'yaml {}' 'merge {} x' $'\'{"a": 1}{"b": 2}\'' '""' 1 null; do
        lib 2 "k8s_self_patch $call"
        says "usage: k8s_self_patch"
        sent length 0
    done
    fails_like_http 'k8s_self_patch {}' k8s_self_patch
}

@test "k8s_scale_sts: the scale of a StatefulSet" {
    lib 0 'k8s_scale_sts db 5'
    prints "statefulset/db 5"
    sent '.[] | [.method, .path, .headers["content-type"], .body]' \
        '["PATCH","/apis/apps/v1/namespaces/shop/statefulsets/db/scale","application/merge-patch+json","{\"spec\":{\"replicas\":5}}"]'
    lib 0 'k8s_scale_sts db 0'
    prints "statefulset/db 0"
    lib 1 'k8s_scale_sts nobody 1'
    says 'statefulsets "nobody" not found'
    for call in db 'db x' 'db -1' 'db 05' 'db 1 2' 'DB 1' 'db/x 1' 'db 99999999999999999999'; do
        lib 2 "k8s_scale_sts $call"
        says "usage: k8s_scale_sts NAME REPLICAS"
        sent length 0
    done
    fails_like_http 'k8s_scale_sts db 5' k8s_scale_sts
}

@test "k8s_wait_rollout: ready at once, ready later, never" {
    lib 0 'k8s_wait_rollout statefulset/db'
    [[ $output == *"rolling update complete"* && -z $errors ]]
    sent '[.[] | select(.path | startswith("/apis/apps/v1/namespaces/shop/statefulsets")) | .headers.authorization] | unique[]' "Bearer $token"
    lib 0 'k8s_wait_rollout statefulset/slow 30s'
    [[ $output == *Waiting*"rolling update complete"* ]]
    lib 75 'k8s_wait_rollout statefulset/stuck 1s'
    [[ $errors == *"timed out waiting for the condition"*"look at it"* ]]
    lib 1 'k8s_wait_rollout statefulset/nobody'
    says "k8s_wait_rollout: error: " 'statefulsets "nobody" not found' "the namespace (shop)"
}

@test "k8s_wait_pod: ready, gone, made, another condition, never" {
    lib 0 'k8s_wait_pod db-0'
    prints "pod/db-0 condition met"
    lib 0 'k8s_wait_pod slow-0 Ready 30s'
    prints "pod/slow-0 condition met"
    lib 0 'k8s_wait_pod leaving delete 30s'
    prints "pod/leaving condition met"
    lib 0 'k8s_wait_pod coming create 30s'
    prints "pod/coming condition met"
    lib 75 'k8s_wait_pod stuck-0 Ready 1s'
    says "timed out waiting for the condition"
    lib 1 'k8s_wait_pod nobody Ready 1s'
    says 'pods "nobody" not found'
}

@test "k8s_wait_rollout and k8s_wait_pod: refused, failing, hanging, another CA, no kubeconfig of HOME" {
    for call in 'k8s_wait_rollout statefulset/db 1s' 'k8s_wait_pod db-0 Ready 1s'; do
        function=${call%% *} options=(-e K8S_TIMEOUT=1)
        fault 401
        lib 77 "$call"
        says "$function: error: " "is not accepted"
        fault 403 namespaces
        lib 77 "$call"
        says "$function: error: " Forbidden RoleBinding
        fault 500 namespaces
        lib 69 "$call"
        says "$function: error: " "try it again"
        fault hang
        lib 75 "$call"
        says "$function: error: " "did not answer in time"
        rm "$BATS_FILE_TMPDIR/fake/fault"
        cp "$BATS_FILE_TMPDIR/fake/other-ca.crt" "$BATS_FILE_TMPDIR/account/ca.crt"
        lib 69 "$call"
        says x509
        cp "$BATS_FILE_TMPDIR/fake/ca.crt" "$BATS_FILE_TMPDIR/account/ca.crt"
        options=(-e KUBERNETES_SERVICE_HOST=)
        lib 69 "$call"
        says "KUBERNETES_SERVICE_HOST is not set"
    done
    options=()
    lib 0 'export HOME=/tmp/home; mkdir -p $HOME/.kube; echo "{{{" >$HOME/.kube/config; k8s_wait_pod db-0'
    prints "pod/db-0 condition met"
}

@test "k8s_wait_rollout and k8s_wait_pod: a wrong call is refused before any request" {
    for call in k8s_wait_rollout 'k8s_wait_rollout db' 'k8s_wait_rollout pod/db' 'k8s_wait_rollout statefulset/' 'k8s_wait_rollout statefulset/db 5' 'k8s_wait_rollout statefulset/db 0s' \
        'k8s_wait_rollout statefulset/db s' 'k8s_wait_rollout statefulset/db 5m x' k8s_wait_pod 'k8s_wait_pod --all' 'k8s_wait_pod db-0 "a b"' 'k8s_wait_pod db-0 Ready soon' 'k8s_wait_pod db-0 Ready 999999s'; do
        lib 2 "$call"
        says "${call%% *}: error: "
        sent length 0
    done
}

@test "k8s_can_i: yes, no, and what it asks" {
    lib 0 'k8s_can_i get pods'
    prints yes
    lib 0 'k8s_can_i patch statefulsets.apps/scale db'
    prints yes
    sent '.[] | [.method, .path, (.body | fromjson)]' \
        '["POST","/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"namespace":"shop","verb":"patch","resource":"statefulsets","group":"apps","subresource":"scale","name":"db"}}}]'
    lib 1 'k8s_can_i delete pods'
    prints no
    for call in '' get 'get Pods' '"g t" pods' 'get pods a b' 'get ""'; do
        lib 2 "k8s_can_i $call"
        says "usage: k8s_can_i"
    done
    fails_like_http 'k8s_can_i get pods' k8s_can_i
}

@test "k8s_owner: through ReplicaSet and Job to the workload" {
    lib 0 'k8s_owner; k8s_owner web-x; k8s_owner bare-x; k8s_owner nightly-x; k8s_owner odd'
    prints $'statefulset/db\ndeployment/web\nreplicaset/bare\ncronjob/nightly\nwidget/odd'
    sent '.[] | .path' "$pods/db-0
$pods/web-x
/apis/apps/v1/namespaces/shop/replicasets/web-1
$pods/bare-x
/apis/apps/v1/namespaces/shop/replicasets/bare
$pods/nightly-x
/apis/batch/v1/namespaces/shop/jobs/nightly-1
$pods/odd"
    lib 1 'k8s_owner naked'
    says "pod/naked has no owner"
    lib 1 'k8s_owner nobody'
    says 'pods "nobody" not found'
    # One that owns itself, and a name that would lead elsewhere.
    limit=30
    instead 200 '{"metadata": {"name": "x", "ownerReferences": [{"kind": "ReplicaSet", "name": "x", "controller": true}]}}'
    lib 69 k8s_owner
    says "the owners of pod/db-0 have no end"
    sent 'length < 10' true
    for owner in '"ReplicaSet", "name": "../../x y"' '"ReplicaSet", "name": ".."' '"Job", "name": "a/b"' '"A b", "name": "c"' '"Job", "name": null' '[], "name": "\u001b[2J"'; do
        instead 200 "{\"metadata\": {\"name\": \"x\", \"ownerReferences\": [{\"kind\": $owner, \"controller\": true}]}}"
        lib 69 k8s_owner
        says "the owner in $me has no name that an object can have"
        sent length 1
    done
    rm "$BATS_FILE_TMPDIR/fake/fault"
    lib 2 'k8s_owner a/b'
    lib 2 'k8s_owner a b'
    fault 403 replicasets
    lib 77 'k8s_owner web-x'
    says "replicasets/web-1: HTTP 403"
    fails_like_http k8s_owner k8s_owner
}

@test "k8s_secret_get: the keys, and a value's own bytes" {
    lib 0 'k8s_secret_get app'
    prints $'binary\nempty\npassword'
    sent '.[] | [.method, .path]' '["GET","/api/v1/namespaces/shop/secrets/app"]'
    lib 0 'k8s_secret_get app password'
    prints "p'a\"s\\s é"
    lib 0 'k8s_secret_get app binary | cksum; k8s_secret_get app empty | wc -c'
    prints "$(printf '%b' "$(printf '\\%04o' {0..255})" | cksum)"$'\n0'
    lib 1 'k8s_secret_get app passwd'
    says "the secret 'app' has no key 'passwd'" "its keys: binary, empty, password"
    lib 1 'k8s_secret_get nobody'
    says 'secrets "nobody" not found'
    for call in '' 'a b c' 'a/b' 'A'; do
        lib 2 "k8s_secret_get $call"
        says "usage: k8s_secret_get"
        sent length 0
    done
    fails_like_http 'k8s_secret_get app password' k8s_secret_get
}

@test "k8s_secret_get: not onto a terminal, and not under set -x" {
    run docker exec -t "$pod" bash -c ". $library; k8s_secret_get app password; echo code \$?; k8s_secret_get app; k8s_secret_get app password | cat"
    [[ $output == *"not on a terminal"*"code 2"*binary*"p'a"* ]]
    lib 0 'set -x; value=$(k8s_secret_get app password | wc -c)'
    run ! grep -F 'p'\''a"s' <<<"$errors"
    run ! grep -F cCdhInNccyDDqQ <<<"$errors" # its base64
}

@test "k8s_event: an event about this pod" {
    lib 0 'k8s_event BackupDone "42 files, \"all\" well"'
    prints event/db-0.17
    sent '.[] | [.method, .path]' "[\"GET\",\"$me\"]
[\"POST\",\"/api/v1/namespaces/shop/events\"]"
    sent '.[1].body | fromjson | [.apiVersion, .kind, .metadata, .involvedObject, .reason, .message, .type, .count, .source]' \
        '["v1","Event",{"generateName":"db-0.","namespace":"shop"},{"apiVersion":"v1","kind":"Pod","name":"db-0","namespace":"shop","uid":"uid-db-0"},"BackupDone","42 files, \"all\" well","Normal",1,{"component":"image-functions"}]'
    sent '.[1].body | fromjson | [.firstTimestamp, .lastTimestamp | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$")]' '[true,true]'
    options=(-e POD_UID=from-downward-api)
    lib 0 'k8s_event DiskFull "$(printf "x%.0s" $(seq 2000))" Warning'
    sent '.[] | .method' POST
    sent '.[0].body | fromjson | [.involvedObject.uid, .type, (.message | length)]' '["from-downward-api","Warning",1024]'
    for call in '' Reason 'reason text' '"Two Words" text' 'R m Error' 'R m Normal x'; do
        lib 2 "k8s_event $call"
        says "usage: k8s_event"
        sent length 0
    done
    fails_like_http 'k8s_event BackupDone well' k8s_event
}

@test "k8s_kubeconfig: kubectl works with it, and it holds no token" {
    lib 0 'file=$(k8s_kubeconfig); k8s_kubeconfig >/dev/null
        echo "$file $KUBECONFIG $KUBECACHEDIR"; stat -c %a "$KUBECONFIG" "${KUBECONFIG%/*}"
        kubectl config view -o jsonpath="{.users[0].user}"; echo
        env -u KUBERNETES_SERVICE_HOST kubectl get pod db-0 -o name; ls "$KUBECACHEDIR"'
    [[ $output == "/tmp/image-functions-23456/kubeconfig /tmp/image-functions-23456/kubeconfig /tmp/image-functions-23456/kube-cache
600
700
{\"tokenFile\":\"$account/token\"}
pod/db-0
"* ]]
    sent '[.[] | select(.path | startswith("'$me'")) | .headers.authorization] | unique[]' "Bearer $token"
    lib 0 'k8s_kubeconfig /tmp/mine; grep -c "'"$token"'" /tmp/mine || :; KUBECONFIG=/tmp/mine kubectl get pod web-x -o name; k8s_wait_pod db-0'
    prints $'/tmp/mine\n0\npod/web-x\npod/db-0 condition met'
    # Named from here, it is found from elsewhere.
    lib 0 'cd /tmp; k8s_kubeconfig mine; cd /; env -u KUBERNETES_SERVICE_HOST kubectl get pod db-0 -o name'
    prints $'/tmp/mine\npod/db-0'
    lib 69 'mkdir -p /tmp/folder; k8s_kubeconfig /tmp/folder'
    says "cannot write /tmp/folder"
}

@test "k8s_kubeconfig: HOME is replaced where it cannot be written, and kept where it can" {
    options=(-e HOME=/nowhere)
    lib 0 'k8s_kubeconfig >/dev/null; echo "$HOME"'
    prints /tmp/image-functions-23456
    options=(-e HOME=/tmp)
    lib 0 'k8s_kubeconfig >/dev/null; echo "$HOME"'
    prints /tmp
    lib 0 'unset HOME; k8s_kubeconfig >/dev/null; echo "$HOME"'
    prints /tmp/image-functions-23456
}

@test "k8s_kubeconfig: a place that cannot be written, a trap in /tmp, no service account, under noclobber" {
    lib 69 'k8s_kubeconfig /etc/kubeconfig'
    says "cannot write /etc/kubeconfig"
    lib 0 'k8s_kubeconfig /etc/kubeconfig 2>/dev/null || echo "$? ${KUBECONFIG-unset}"'
    prints "69 unset"
    lib 0 'mkdir -p /tmp/t/dir; rm -rf /tmp/t/image-functions-*; ln -s dir /tmp/t/image-functions-23456; export TMPDIR=/tmp/t; k8s_kubeconfig'
    prints /tmp/image-functions-23456/kubeconfig
    options=(-e KUBERNETES_SERVICE_HOST=)
    lib 69 k8s_kubeconfig
    says "KUBERNETES_SERVICE_HOST is not set"
    options=()
    lib 0 'set -C; k8s_kubeconfig; k8s_kubeconfig'
    lib 2 'k8s_kubeconfig a b'
}

@test "without any writable place: all but k8s_kubeconfig work" {
    new_pod "$name-bare" --ipc none
    container=$name-bare
    lib 0 'k8s_owner; k8s_wait_pod db-0; k8s_can_i get pods; k8s_self_label a=b; k8s_wait_rollout statefulset/db'
    [[ $output == $'statefulset/db\npod/db-0 condition met\nyes\npod/db-0\n'*"rolling update complete"* && -z $errors ]]
    lib 69 k8s_kubeconfig
    says "no writable place" "mount an emptyDir on /tmp"
}
