# shellcheck shell=dash
# Functions for Kubernetes: this pod, its owner, scaling, waiting, secrets, events. Sourced by ../functions.sh.

# k8s_self_get: this pod, as JSON.
# Usage: k8s_self_get [JQ-FILTER]
#
# With a filter: what jq -r makes of it, such as `k8s_self_get .spec.nodeName`. Needs the verb get on pods.
k8s_self_get() { _image_call k8s_self_get 0 1 "$@"; }
_k8s_self_get() (
    path=$(_image_self_path) || return
    pod=$(_image_object k8s_self_get GET "$path") || return
    printf '%s\n' "$pod" | jq -r "${1:-.}" || _image_fail 2 k8s_self_get "jq does not understand the filter '${1:-.}', see above"
)

# _image_self_path: the path of this pod on the API server.
_image_self_path() (
    namespace=$(_k8s_namespace) || return
    pod=$(_k8s_pod_name) || return
    printf '/api/v1/namespaces/%s/pods/%s\n' "$namespace" "$pod"
)

# k8s_self_annotate: set or remove annotations of this pod.
# Usage: k8s_self_annotate KEY=VALUE|KEY-...
#
# KEY- removes one. All or none. Prints the pod's name. Needs the verb patch on pods.
k8s_self_annotate() { _image_call k8s_self_annotate 1 100 "$@"; }
_k8s_self_annotate() ( _image_self_metadata k8s_self_annotate annotations "$@"; )

# k8s_self_label: set or remove labels of this pod.
# Usage: k8s_self_label KEY=VALUE|KEY-...
#
# KEY- removes one. All or none. Prints the pod's name. Needs the verb patch on pods. A pod that no longer fits the selector of its
# service gets no requests; one that no longer fits its owner's is replaced, and stays for you to look at.
k8s_self_label() { _image_call k8s_self_label 1 100 "$@"; }
_k8s_self_label() ( _image_self_metadata k8s_self_label labels "$@"; )

# _image_self_metadata FUNCTION FIELD KEY=VALUE|KEY-...
_image_self_metadata() (
    name=$1 field=$2
    shift 2
    for word; do
        case $word in
            [A-Za-z0-9]*=*) key=${word%%=*} ;;
            [A-Za-z0-9]*-) key=${word%-} ;;
            *) _image_usage "$name" "neither KEY=VALUE nor KEY-: '$word'"; return ;;
        esac
        case $key in
            *[!A-Za-z0-9./_-]*) _image_usage "$name" "no key: '$key'"; return ;;
        esac
    done
    _image_need "$name" jq || return
    path=$(_image_self_path) || return
    patch=$(jq -nc --arg field "$field" '{metadata: {($field): ($ARGS.positional | map(
        if contains("=") then index("=") as $at | {key: .[:$at], value: .[$at + 1:]} else {key: rtrimstr("-"), value: null} end) | from_entries)}}' --args "$@") || return
    answer=$(_image_object "$name" PATCH "$path" "$patch") || return
    printf '%s\n' "$answer" | jq -r '"pod/" + .metadata.name'
)

# k8s_self_patch: change this pod.
# Usage: k8s_self_patch [strategic|merge|json] PATCH|-
#
# The kind of patch is kubectl's, default strategic; - reads it from stdin. Prints the pod's name. Needs the verb patch on pods;
# most of a running pod's spec cannot be changed (code 1).
k8s_self_patch() { _image_call k8s_self_patch 1 2 "$@"; }
_k8s_self_patch() (
    set +x
    type=application/strategic-merge-patch+json
    if [ "$#" = 2 ]; then
        case $1 in
            strategic) ;;
            merge | json) type=application/$1-patch+json ;;
            *) _image_usage k8s_self_patch "unknown kind of patch '$1'"; return ;;
        esac
        shift
    fi
    patch=$1
    [ "$patch" != - ] || patch=$(cat)
    _image_need k8s_self_patch jq || return
    path=$(_image_self_path) || return
    printf '%s\n' "$patch" | jq -es 'length == 1 and (.[0] | type == "object" or type == "array")' >/dev/null 2>&1 \
        || { _image_usage k8s_self_patch "the patch is not JSON, one object or list"; return; }
    answer=$(_image_object k8s_self_patch PATCH "$path" "$patch" "$type") || return
    printf '%s\n' "$answer" | jq -r '"pod/" + .metadata.name'
)

# k8s_scale_sts: scale a StatefulSet of this namespace.
# Usage: k8s_scale_sts NAME REPLICAS
#
# Prints the name and the new number; does not wait (k8s_wait_rollout does). Needs the verb patch on statefulsets/scale.
k8s_scale_sts() { _image_call k8s_scale_sts 2 2 "$@"; }
_k8s_scale_sts() (
    _image_is_k8s_name k8s_scale_sts "$1" || return
    _image_is_number "$2" || { _image_usage k8s_scale_sts "not a number of replicas: '$2'"; return; }
    namespace=$(_k8s_namespace) || return
    answer=$(_image_object k8s_scale_sts PATCH "/apis/apps/v1/namespaces/$namespace/statefulsets/$1/scale" "{\"spec\":{\"replicas\":$2}}") || return
    # The API server leaves a zero out.
    printf '%s\n' "$answer" | jq -r '"statefulset/\(.metadata.name) \(.spec.replicas // 0)"'
)

# k8s_wait_rollout: wait until the new state of a workload is out and ready.
# Usage: k8s_wait_rollout KIND/NAME [TIMEOUT]
#
# KIND is deployment, statefulset or daemonset; TIMEOUT is like 90s or 5m, default 5m. Prints kubectl's progress. 75: not ready
# in time. Needs the verbs get, list and watch on the kind.
k8s_wait_rollout() { _image_call k8s_wait_rollout 1 2 "$@"; }
_k8s_wait_rollout() (
    case $1 in
        deployment/* | statefulset/* | daemonset/*) _image_is_k8s_name k8s_wait_rollout "${1#*/}" || return ;;
        *) _image_usage k8s_wait_rollout "not deployment/NAME, statefulset/NAME or daemonset/NAME: '$1'"; return ;;
    esac
    seconds=$(_image_seconds k8s_wait_rollout "${2:-5m}") || return
    _image_kubectl k8s_wait_rollout "$seconds" rollout status "$1"
)

# k8s_wait_pod: wait until a pod of this namespace is ready, there, or gone.
# Usage: k8s_wait_pod NAME [CONDITION] [TIMEOUT]
#
# CONDITION is a condition of pods, default Ready, or `create` or `delete`; TIMEOUT is like 90s or 5m, default 5m. A pod that is not
# there yet fails at once (code 1) but for create. Prints kubectl's line. 75: not in time. Needs the verbs get, list and watch on pods.
k8s_wait_pod() { _image_call k8s_wait_pod 1 3 "$@"; }
_k8s_wait_pod() (
    _image_is_k8s_name k8s_wait_pod "$1" || return
    case ${2:-Ready} in
        create | delete) condition=$2 ;;
        *[!A-Za-z0-9./-]*) _image_usage k8s_wait_pod "no condition: '$2'"; return ;;
        *) condition=condition=${2:-Ready} ;;
    esac
    seconds=$(_image_seconds k8s_wait_pod "${3:-5m}") || return
    _image_kubectl k8s_wait_pod "$seconds" wait "pod/$1" --for "$condition"
)

# _image_seconds FUNCTION TEXT: print how many seconds 90s, 5m or 1h are; else 2.
_image_seconds() (
    case $2 in
        *s) unit=1 ;;
        *m) unit=60 ;;
        *h) unit=3600 ;;
        *) unit=0 ;;
    esac
    if [ "$unit" = 0 ] || ! _image_is_number "${2%?}" || [ "${#2}" -gt 6 ] || [ "${2%?}" = 0 ]; then
        _image_usage "$1" "no time: '$2'; it is like 90s, 5m or 1h"
        return
    fi
    echo "$((${2%?} * unit))"
)

# _image_kubectl FUNCTION SECONDS WORD...: let kubectl wait in this pod's namespace; on a failure say why and return the code for it.
# With the kubeconfig of the shell (k8s_kubeconfig) or, without one, the pod's own account, which kubectl finds by itself.
_image_kubectl() (
    name=$1 seconds=$2
    shift 2
    _image_need "$name" kubectl || return
    namespace=$(_k8s_namespace) || return
    [ -n "${KUBECONFIG-}" ] || _image_service_account "$name" || return
    # An empty file in place of one in HOME. The cache is a help, not a need.
    export KUBECONFIG="${KUBECONFIG:-/dev/null}"
    if [ -z "${KUBECACHEDIR-}" ] && folder=$(_image_private_folder "$name" 2>/dev/null); then export KUBECACHEDIR="$folder/kube-cache"; fi
    code=0
    # kubectl's own time-out begins when the API server has answered; --request-timeout would cut the watch.
    { message=$(timeout "$((seconds + ${K8S_TIMEOUT:-10}))" kubectl --namespace "$namespace" "$@" --timeout "${seconds}s" 2>&1 >&3 3>&-) || code=$?; } 3>&1
    [ "$code" != 0 ] || return 0
    case $code:$message in
        124:*) _image_fail 75 "$name" "the API server did not answer in time: $message" "is a network policy in the way? try it again" ;;
        *Forbidden* | *" is forbidden"*) _image_fail 77 "$name" "$message" "a Role and a RoleBinding must allow it to the service account; what is allowed: k8s_can_i" ;;
        *Unauthorized* | *"must be logged in"*) _image_fail 77 "$name" "$message" "the token is not accepted: too old, or of another cluster" ;;
        *NotFound*) _image_fail 1 "$name" "$message" "are the name and the namespace ($namespace) right?" ;;
        *"connection refused"* | *x509* | *"no route to host"* | *"no such host"* | *"network is unreachable"*)
            _image_fail 69 "$name" "$message" "is the network there, and the address right?" ;;
        *"timed out waiting"*) _image_fail 75 "$name" "$message" "look at it: kubectl describe, k8s_api GET, the events" ;;
        *"i/o timeout"* | *"handshake timeout"* | *Client.Timeout* | *"deadline exceeded"*) _image_fail 75 "$name" "$message" "is a network policy in the way? try it again" ;;
        *"Unable to connect"*) _image_fail 69 "$name" "$message" "is the network there, and the address right?" ;;
        *InternalError* | *"an error on the server"* | *ServiceUnavailable* | *"unable to handle the request"*)
            _image_fail 69 "$name" "$message" "the API server has a problem: try it again, look at the control plane" ;;
        *) _image_fail 1 "$name" "$message" ;;
    esac
)

# k8s_can_i: may this pod's service account do it?
# Usage: k8s_can_i VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAME]
#
# In this pod's namespace, such as `k8s_can_i patch statefulsets.apps/scale db`. Prints yes or no; 0 is yes, 1 is no. Needs no
# permission of its own. Resources are the plural names.
k8s_can_i() { _image_call k8s_can_i 2 3 "$@"; }
_k8s_can_i() (
    case $1 in *[!a-z*]* | '') _image_usage k8s_can_i "no verb: '$1'"; return ;; esac
    case $2 in *[!a-z0-9./*-]* | *.*.*/*/* | '') _image_usage k8s_can_i "no resource: '$2'"; return ;; esac
    _image_need k8s_can_i jq || return
    namespace=$(_k8s_namespace) || return
    review=$(jq -nc --arg namespace "$namespace" --arg verb "$1" --arg what "$2" --arg name "${3-}" '
        ($what | split("/")) as [$full, $sub] | ($full | split(".")) as $parts
        | {apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: {resourceAttributes: (
            {namespace: $namespace, verb: $verb, resource: $parts[0], group: ($parts[1:] | join(".")), subresource: $sub, name: $name}
            | with_entries(select(.value != null and .value != "")))}}') || return
    answer=$(_image_k8s k8s_can_i POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews "$review") || return
    case $(printf '%s\n' "$answer" | jq -r .status.allowed 2>/dev/null) in
        true) echo yes ;;
        false) echo no && return 1 ;;
        *) _image_fail 69 k8s_can_i "the API server's answer has no .status.allowed" ;;
    esac
)

# k8s_owner: the workload that this pod, or another of the namespace, belongs to.
# Usage: k8s_owner [POD]
#
# Prints KIND/NAME in lower case, such as statefulset/db: of a ReplicaSet the Deployment, of a Job the CronJob. 1: the pod has
# no owner. Needs the verb get on pods, and on replicasets or jobs where these are between.
k8s_owner() { _image_call k8s_owner 0 1 "$@"; }
_k8s_owner() (
    namespace=$(_k8s_namespace) || return
    pod=${1:-$(_k8s_pod_name)} || return
    _image_is_k8s_name k8s_owner "$pod" || return
    path=/api/v1/namespaces/$namespace/pods/$pod owner=''
    # Two steps are usual; an object that names itself must not keep us here for ever.
    for _ in 1 2 3 4 5; do
        object=$(_image_object k8s_owner GET "$path") || return
        # The name goes into a path.
        next=$(printf '%s\n' "$object" | jq -r '[.metadata.ownerReferences[]? | select(.controller)][0] // empty | .kind + "/" + .name
            | if test("\\A[A-Za-z0-9]+/[a-z0-9.-]*[a-z0-9]\\z") then ascii_downcase else error end' 2>/dev/null) \
            || { _image_fail 69 k8s_owner "the owner in $path has no name that an object can have" "look at it: k8s_api GET $path"; return; }
        if [ -z "$next" ] && [ -z "$owner" ]; then _image_fail 1 k8s_owner "pod/$pod has no owner" "it was made by hand, or its label was changed"; return; fi
        owner=${next:-$owner}
        case $next in
            replicaset/*) path=/apis/apps/v1/namespaces/$namespace/replicasets/${owner#*/} ;;
            job/*) path=/apis/batch/v1/namespaces/$namespace/jobs/${owner#*/} ;;
            *) printf '%s\n' "$owner" && return ;;
        esac
    done
    _image_fail 69 k8s_owner "the owners of pod/$pod have no end" "look at the last: k8s_api GET $path"
)

# k8s_secret_get: a value of a Secret of this namespace.
# Usage: k8s_secret_get NAME [KEY]
#
# Without KEY: prints the keys, no values. With one: the value's bytes, nothing added. On a terminal it is refused (code 2): put it
# in a variable or a pipe, or say `| cat` to see it. Needs the verb get on secrets.
k8s_secret_get() { _image_call k8s_secret_get 1 2 "$@"; }
_k8s_secret_get() (
    set +x
    _image_is_k8s_name k8s_secret_get "$1" || return
    if [ "$#" = 2 ] && [ -t 1 ]; then
        _image_fail 2 k8s_secret_get "not on a terminal: the value stays in its history" "value=\$(k8s_secret_get $1 $2), or | cat to see it"
        return
    fi
    namespace=$(_k8s_namespace) || return
    secret=$(_image_object k8s_secret_get GET "/api/v1/namespaces/$namespace/secrets/$1") || return
    if [ "$#" = 1 ]; then
        printf '%s\n' "$secret" | jq -r '.data // {} | keys[]'
    elif printf '%s\n' "$secret" | jq -e --arg key "$2" '.data // {} | has($key)' >/dev/null; then
        printf '%s\n' "$secret" | jq -r --arg key "$2" '.data[$key]' | base64 -d
    else
        _image_fail 1 k8s_secret_get "the secret '$1' has no key '$2'" "its keys: $(printf '%s\n' "$secret" | jq -r '.data // {} | keys | join(", ")')"
    fi
)

# k8s_event: write an event about this pod, which `kubectl describe pod` and monitoring show.
# Usage: k8s_event REASON MESSAGE [Normal|Warning]
#
# REASON is one word like BackupDone, MESSAGE at most 1024 characters, the type default Normal. Prints the event's name. Needs the verb create on events, and
# get on pods unless POD_UID is set (metadata.uid in the downward API).
k8s_event() { _image_call k8s_event 2 3 "$@"; }
_k8s_event() (
    case $1 in [!A-Z]* | *[!A-Za-z0-9]* | '') _image_usage k8s_event "the reason is not one word in CamelCase: '$1'"; return ;; esac
    case ${3:-Normal} in Normal | Warning) ;; *) _image_usage k8s_event "the type is Normal or Warning, not '$3'"; return ;; esac
    _image_need k8s_event jq || return
    namespace=$(_k8s_namespace) || return
    pod=$(_k8s_pod_name) || return
    uid=${POD_UID:-}
    if [ -z "$uid" ]; then
        object=$(_image_object k8s_event GET "/api/v1/namespaces/$namespace/pods/$pod") || return
        uid=$(printf '%s\n' "$object" | jq -er .metadata.uid) || { _image_fail 69 k8s_event "pod/$pod has no uid" "set POD_UID (metadata.uid in the downward API)"; return; }
    fi
    event=$(jq -nc --arg namespace "$namespace" --arg pod "$pod" --arg uid "$uid" --arg reason "$1" --arg message "$2" --arg type "${3:-Normal}" '
        (now | todate) as $now | {apiVersion: "v1", kind: "Event", metadata: {generateName: ($pod[:240] + "."), namespace: $namespace},
        involvedObject: {apiVersion: "v1", kind: "Pod", name: $pod, namespace: $namespace, uid: $uid},
        reason: $reason, message: $message[:1024], type: $type, count: 1, firstTimestamp: $now, lastTimestamp: $now,
        source: {component: "image-functions"}}') || return
    answer=$(_image_object k8s_event POST "/api/v1/namespaces/$namespace/events" "$event") || return
    printf '%s\n' "$answer" | jq -r '"event/" + .metadata.name'
)
