# shellcheck shell=dash
# Functions for Kubernetes: where am I, and one request to the API server. Sourced by ../functions.sh.
#
# Requests go by curl with the service account of the pod, read anew each time since tokens rotate; kubectl only waits
# (kubernetes.sh). So most of these functions need neither a kubeconfig nor a writable place.

# k8s_help: this list.
# Usage: k8s_help
k8s_help() { _image_call k8s_help 0 0 "$@"; }
_k8s_help() { _image_list k8s_; }

# k8s_namespace: the namespace of this pod.
# Usage: k8s_namespace
#
# Prints POD_NAMESPACE when it is set, else the service account's namespace.
k8s_namespace() { _image_call k8s_namespace 0 0 "$@"; }
_k8s_namespace() (
    namespace=${POD_NAMESPACE:-}
    file=/var/run/secrets/kubernetes.io/serviceaccount/namespace
    if [ -z "$namespace" ] && [ -r "$file" ]; then namespace=$(cat "$file"); fi
    [ -n "$namespace" ] || { _image_fail 69 k8s_namespace "no POD_NAMESPACE, and cannot read $file" "is this a pod with a service account? export POD_NAMESPACE=NAME"; return; }
    _image_is_k8s_name k8s_namespace "$namespace" || return
    printf '%s\n' "$namespace"
)

# k8s_pod_name: the name of this pod.
# Usage: k8s_pod_name
#
# Prints POD_NAME when it is set, else the host's name, which is the pod's unless the manifest has hostNetwork or hostname,
# or the name is longer than 63 characters. For these, set POD_NAME from the downward API (metadata.name).
k8s_pod_name() { _image_call k8s_pod_name 0 0 "$@"; }
_k8s_pod_name() (
    pod=${POD_NAME:-$(cat /proc/sys/kernel/hostname)}
    _image_is_k8s_name k8s_pod_name "$pod" || return
    printf '%s\n' "$pod"
)

# _image_is_k8s_name FUNCTION TEXT: it can be the name of an object, and does no harm in a path; else 2.
_image_is_k8s_name() {
    case $2 in
        '' | [!a-z0-9]* | *[!a-z0-9] | *[!a-z0-9.-]*) _image_usage "$1" "not the name of an object: '$2'" ;;
    esac
}

# k8s_kubeconfig: let kubectl work in this shell, in a read-only container too.
# Usage: k8s_kubeconfig [FILE]
#
# Writes a kubeconfig for the pod's service account and namespace; it names the token's file instead of holding the token, since
# tokens rotate. FILE is by default in the first writable of TMPDIR, /tmp, /dev/shm, HOME. Sets and exports KUBECONFIG,
# KUBECACHEDIR and, where HOME is not a folder that can be written, HOME. Prints KUBECONFIG. Not in $( ): the variables would end with it.
k8s_kubeconfig() { _image_call k8s_kubeconfig 0 1 "$@"; }
_k8s_kubeconfig() {
    local _image_folder _image_file
    _image_folder=$(_image_private_folder k8s_kubeconfig) || return
    _image_file=${1:-$_image_folder/kubeconfig}
    # The caller may go to another folder.
    case $_image_file in /*) ;; *) _image_file=$(pwd)/$_image_file ;; esac
    _image_write_kubeconfig "$_image_file" || return
    export KUBECONFIG="$_image_file" KUBECACHEDIR="$_image_folder/kube-cache"
    if ! { [ -d "${HOME-}" ] && [ -w "${HOME-}" ]; }; then export HOME="$_image_folder"; fi
    printf '%s\n' "$KUBECONFIG"
}

# _image_private_folder FUNCTION: print a folder that only we can write, made where that is possible.
_image_private_folder() (
    umask 077
    for place in "${TMPDIR-}" /tmp /dev/shm "${HOME-}"; do
        case $place in /*) ;; *) continue ;; esac
        if ! [ -d "$place" ] || ! [ -w "$place" ]; then continue; fi
        folder=$place/image-functions-$(id -u)
        mkdir "$folder" 2>/dev/null || :
        # Another user may have made it first, as a trap.
        if [ -d "$folder" ] && [ ! -L "$folder" ] && [ -O "$folder" ]; then
            printf '%s\n' "$folder"
            return
        fi
    done
    _image_fail 69 "$1" "no writable place: looked at TMPDIR, /tmp, /dev/shm and HOME" "mount an emptyDir on /tmp"
)

# _image_write_kubeconfig FILE: whole or not at all.
_image_write_kubeconfig() (
    umask 077
    _image_need k8s_kubeconfig jq || return
    namespace=$(_k8s_namespace) || return
    _image_service_account k8s_kubeconfig || return
    draft=$(mktemp "$1.XXXXXX" 2>&1) \
        || { _image_fail 69 k8s_kubeconfig "cannot write $1: ${draft#mktemp: }" "name another file: k8s_kubeconfig /tmp/kubeconfig"; return; }
    # JSON is YAML too.
    if ! jq -n --arg server "$server" --arg folder "$account" --arg namespace "$namespace" '{
        apiVersion: "v1", kind: "Config", "current-context": "pod",
        clusters: [{name: "pod", cluster: {server: $server, "certificate-authority": ($folder + "/ca.crt")}}],
        users: [{name: "pod", user: {tokenFile: ($folder + "/token")}}],
        contexts: [{name: "pod", context: {cluster: "pod", user: "pod", namespace: $namespace}}]
    }' >|"$draft" || ! mv -fT "$draft" "$1"; then
        rm -f "$draft"
        _image_fail 69 k8s_kubeconfig "cannot write $1" "is the disk full?"
    fi
)

# _image_service_account FUNCTION: set account (the folder) and server (the URL), in a subshell of the caller's.
_image_service_account() {
    account=/var/run/secrets/kubernetes.io/serviceaccount
    [ -n "${KUBERNETES_SERVICE_HOST-}" ] || { _image_fail 69 "$1" "KUBERNETES_SERVICE_HOST is not set" "this is no pod, or its environment was emptied (sudo, su -)"; return; }
    for file in "$account/token" "$account/ca.crt"; do
        [ -e "$file" ] || { _image_fail 69 "$1" "no service account: $file is not there" "does the pod have automountServiceAccountToken: false?"; return; }
        [ -r "$file" ] || { _image_fail 77 "$1" "uid $(id -u) may not read $file" "set fsGroup in the pod's securityContext"; return; }
    done
    case $KUBERNETES_SERVICE_HOST in
        *:*) server=https://[$KUBERNETES_SERVICE_HOST]:${KUBERNETES_SERVICE_PORT:-443} ;;
        *) server=https://$KUBERNETES_SERVICE_HOST:${KUBERNETES_SERVICE_PORT:-443} ;;
    esac
}

# k8s_api: one request to the API server, as the pod's service account.
# Usage: k8s_api [-t CONTENT-TYPE] METHOD PATH [BODY|-]
#
# METHOD is GET, POST, PUT, PATCH or DELETE; PATH starts with / and is encoded already; - reads the body from stdin (a secret
# belongs there). CONTENT-TYPE is by default application/json, for PATCH application/merge-patch+json. Prints the answer. K8S_TIMEOUT:
# seconds for the whole request, default 10. The token and the body stand on no command line.
k8s_api() { _image_call k8s_api 2 5 "$@"; }
_k8s_api() (
    set +x
    type=''
    case $1 in
        -t) type=$2 && shift 2 ;;
        -*) _image_usage k8s_api "unknown option '$1'"; return ;;
    esac
    if [ "$#" -lt 2 ] || [ "$#" -gt 3 ]; then _image_usage k8s_api "METHOD, PATH and perhaps a body are wanted"; return; fi
    case $1 in
        GET | POST | PUT | PATCH | DELETE) ;;
        *) _image_usage k8s_api "unknown method '$1'"; return ;;
    esac
    case $2 in
        /*[!A-Za-z0-9/._:@%?\&=,+~\!\*-]* | [!/]* | '') _image_usage k8s_api "not a path, or not encoded: '$2'"; return ;;
    esac
    [ "$#" -lt 3 ] || [ "$1" != GET ] || { _image_usage k8s_api "GET has no body"; return; }
    if [ "${3-}" = - ]; then
        body=$(cat)
        set -- "$1" "$2" "$body"
    fi
    if [ "$#" = 3 ]; then _image_k8s k8s_api "$1" "$2" "$3" "$type"; else _image_k8s k8s_api "$1" "$2"; fi
)

# _image_k8s FUNCTION METHOD PATH [BODY [CONTENT-TYPE]]: the answer's body; on a failure say why and return the code for it.
_image_k8s() (
    set +x
    name=$1
    _image_need "$name" curl jq || return
    timeout=${K8S_TIMEOUT:-10}
    _image_is_number "$timeout" || { _image_fail 2 "$name" "K8S_TIMEOUT is not a number of seconds: '$timeout'"; return; }
    _image_service_account "$name" || return
    token=$(cat "$account/token") || return 77
    case $token in
        '' | *[!A-Za-z0-9._~+/=-]*) _image_fail 77 "$name" "$account/token holds no token" "was it cut off? kubelet writes it anew by itself"; return ;;
    esac
    type=application/json
    [ "$2" != PATCH ] || type=application/merge-patch+json
    code=0
    answer=$({
        printf 'request = "%s"\nheader = "Authorization: Bearer %s"\nheader = "Accept: application/json"\n' "$2" "$token"
        if [ "$#" -gt 3 ]; then
            printf 'header = "Content-Type: %s"\ndata-raw = "' "$(printf %s "${5:-$type}" | _image_quote)"
            printf %s "$4" | _image_quote
            printf '"\n'
        fi
    } | _image_curl --proto =https --cacert "$account/ca.crt" --connect-timeout 3 --max-time "$timeout" --url "$server$3") || code=$?
    status=${answer##*"
"}
    answer=${answer%"
"*}
    if [ "$code" != 0 ]; then
        _image_transport_failed "$name" "$code" "$server" "${status#* }"
        return
    fi
    status=${status%% *}
    case $status in
        2??)
            [ -z "$answer" ] || printf '%s\n' "$answer"
            return ;;
    esac
    message=$(printf '%s\n' "$answer" | jq -er .message 2>/dev/null) || message=$(printf '%s\n' "$answer" | cut -c -300 | head -n 3)
    message="$2 $3: HTTP $status: $message"
    case $status in
        401) _image_fail 77 "$name" "$message" "the token in $account/token is not accepted: too old, or of another cluster" ;;
        403) _image_fail 77 "$name" "$message" "a Role and a RoleBinding must allow it to the service account; what is allowed: k8s_can_i" ;;
        404) _image_fail 1 "$name" "$message" "are the name and the namespace right?" ;;
        409) _image_fail 1 "$name" "$message" "somebody else changed it, or it exists already: read it again, then repeat" ;;
        429) _image_fail 75 "$name" "$message" "the API server is busy: try it again later" ;;
        5??) _image_fail 69 "$name" "$message" "the API server has a problem: try it again, look at the control plane" ;;
        *) _image_fail 1 "$name" "$message" ;;
    esac
)

# _image_object FUNCTION METHOD PATH [BODY [CONTENT-TYPE]]: the same where the answer is one object; 69 when it is anything else, such as
# the page of a proxy. That is not shown: it may hold a secret.
_image_object() (
    set +x
    object=$(_image_k8s "$@") || return
    if printf '%s\n' "$object" | jq -es 'length == 1 and (.[0].metadata.name | type == "string" and test("\\A[a-z0-9.-]+\\z"))' >/dev/null 2>&1; then
        printf '%s\n' "$object"
    else
        _image_fail 69 "$1" "$2 $3: the answer is not the object" "is something between here and there that answers in its name?"
    fi
)
