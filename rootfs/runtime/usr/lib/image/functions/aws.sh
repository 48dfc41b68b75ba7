# shellcheck shell=dash
# Functions for AWS: the instance's metadata, credentials by web identity, who am I. Sourced by ../functions.sh.
# The endpoints are those of every AWS program: AWS_ENDPOINT_URL_STS, AWS_EC2_METADATA_SERVICE_ENDPOINT.

# aws_help: this list.
# Usage: aws_help
aws_help() { _image_call aws_help 0 0 "$@"; }
_aws_help() { _image_list aws_; }

# aws_imds: a value of the instance metadata (IMDSv2 only).
# Usage: aws_imds PATH
#
# PATH is below /latest/meta-data, such as `instance-id` or `placement/availability-zone`; one that starts with / is taken as
# it is, such as /latest/dynamic/instance-identity/document. Prints the answer. Fetches a session token first; neither
# passes a proxy. AWS_METADATA_SERVICE_TIMEOUT: seconds for each of the two requests, default 2.
# AWS_EC2_METADATA_DISABLED=true: no request, code 69.
#
# From a container the instance must allow one hop more, else the token's answer is lost on its way (code 75):
# aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2
aws_imds() { _image_call aws_imds 1 1 "$@"; }
_aws_imds() (
    set +x
    case $1 in
        '' | *[!A-Za-z0-9/._:@%?=+-]*) _image_usage aws_imds "no path: '$1'"; return ;;
        /*) path=$1 ;;
        *) path=/latest/meta-data/$1 ;;
    esac
    timeout=${AWS_METADATA_SERVICE_TIMEOUT:-2}
    _image_is_number "$timeout" \
        || { _image_fail 2 aws_imds "AWS_METADATA_SERVICE_TIMEOUT is not a number of seconds: '$timeout'"; return; }
    if [ "${AWS_EC2_METADATA_DISABLED-}" = true ]; then
        _image_fail 69 aws_imds "AWS_EC2_METADATA_DISABLED is true" "unset it to ask the instance metadata"
        return
    fi
    _image_need aws_imds curl || return
    case ${AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE-} in
        [Ii][Pp][Vv]6) server='http://[fd00:ec2::254]' ;;
        *) server=http://169.254.169.254 ;;
    esac
    server=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-$server}
    server=${server%/}

    token=$(printf '%s\n' 'request = "PUT"' 'header = "X-aws-ec2-metadata-token-ttl-seconds: 60"' \
        | _image_imds "$timeout" "$server" /latest/api/token) || return
    case $token in
        '' | *[!A-Za-z0-9+/=._~-]*) _image_fail 69 aws_imds "$server gave no session token" "is this the instance metadata service?"; return ;;
    esac
    printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" | _image_imds "$timeout" "$server" "$path"
)

# _image_imds SECONDS SERVER PATH: the answer's body; the rest of curl's configuration is on stdin.
_image_imds() (
    code=0
    # A proxy would answer with its own machine's metadata.
    answer=$(_image_curl --noproxy '*' --connect-timeout "$1" --max-time "$1" --url "$2$3") || code=$?
    message=${answer##*"
"}
    answer=${answer%"
"*}
    if [ "$code" != 0 ]; then
        _image_transport_failed aws_imds "$code" "$2" "${message#* }" \
            "not on EC2, IMDS switched off, or in a container with a hop limit of 1: 'aws_imds --help' has the command"
        return
    fi
    case $message in
        200\ *) [ -z "$answer" ] || printf '%s\n' "$answer" ;;
        401\ *) _image_fail 77 aws_imds "$2$3 refused the session token (401)" "try it again" ;;
        403\ *) _image_fail 77 aws_imds "$2$3 is forbidden (403)" "IMDS is switched off for this instance, or a proxy like kube2iam forbids the path" ;;
        404\ *) _image_fail 1 aws_imds "$2$3 does not exist (404)" "see what does: aws_imds /latest/meta-data/" ;;
        5*) _image_fail 69 aws_imds "$2$3 failed with HTTP ${message%% *}" "try it again" ;;
        *) _image_fail 1 aws_imds "$2$3 answered with HTTP ${message%% *}" ;;
    esac
)

# aws_region: the region: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else the instance metadata.
# Usage: aws_region
#
# The profile is the AWS CLI's: AWS_PROFILE or default, in AWS_CONFIG_FILE or ~/.aws/config.
# Prints its name, such as eu-central-1. Codes as aws_imds.
aws_region() { _image_call aws_region 0 0 "$@"; }
_aws_region() (
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
    if [ -n "$region" ]; then
        printf '%s\n' "$region"
        return
    fi
    if region=$(AWS_CLI_AUTO_PROMPT=off aws configure get region 2>/dev/null </dev/null) && [ -n "$region" ]; then
        printf '%s\n' "$region"
        return
    fi
    code=0
    _aws_imds placement/region || code=$?
    [ "$code" = 0 ] || _image_fail "$code" aws_region "neither AWS_REGION nor AWS_DEFAULT_REGION is set, no profile names a region, and the instance metadata has none" \
        "set it: export AWS_REGION=eu-central-1"
)

# _image_aws NAME OPTION...: run the AWS CLI for the function NAME; on a failure say why and return the code for it.
_image_aws() (
    set +x
    name=$1
    shift
    _image_need "$name" aws || return
    AWS_REGION=$(_aws_region) || return
    # Two tries and short waits: somebody looks on. No pager, no prompt: nobody may be there to leave it.
    export AWS_REGION AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-2}" AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off
    # The CLI keeps the credentials of a web identity below HOME, and fails where it cannot.
    if ! { [ -d "${HOME-}" ] && [ -w "${HOME-}" ]; } && folder=$(_image_private_folder "$name" 2>/dev/null); then
        export AWS_CONFIG_FILE="${AWS_CONFIG_FILE:-${HOME-}/.aws/config}"
        export AWS_SHARED_CREDENTIALS_FILE="${AWS_SHARED_CREDENTIALS_FILE:-${HOME-}/.aws/credentials}"
        export HOME="$folder"
    fi
    code=0
    { message=$(aws --cli-connect-timeout 3 --cli-read-timeout "${AWS_TIMEOUT:-10}" "$@" 2>&1 >&3 3>&-) || code=$?; } 3>&1
    [ "$code" != 0 ] || return 0
    message=$(printf '%s\n' "$message" | sed '/^[[:space:]]*$/d')
    case $message in
        *"Unable to locate credentials"* | *"NoCredentials"*)
            _image_fail 77 "$name" "no AWS credentials: $message" \
                "in a pod with a web identity: aws_assume_web_identity; else export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" ;;
        *"Read-only file system"* | *"Permission denied"*)
            _image_fail 69 "$name" "$message" "the AWS CLI wants a writable HOME or /tmp: mount an emptyDir on /tmp, or aws_assume_web_identity first" ;;
        *ExpiredToken* | *"has expired"*)
            _image_fail 77 "$name" "$message" "the credentials are too old: aws_assume_web_identity, or aws_clear_credentials" ;;
        *AccessDenied* | *InvalidClientTokenId* | *InvalidIdentityToken* | *SignatureDoesNotMatch* | *UnrecognizedClient* | *IDPRejectedClaim*)
            _image_fail 77 "$name" "$message" "not allowed: does the role trust this identity, and does the policy allow the call?" ;;
        *imeout* | *"timed out"*) _image_fail 75 "$name" "$message" "is the network there? a private subnet needs a VPC endpoint for STS" ;;
        *"Could not connect"* | *"EndpointConnectionError"* | *SSL*) _image_fail 69 "$name" "$message" "is the network there, and the region right ($AWS_REGION)?" ;;
        *"(5"[0-9][0-9]")"* | *InternalFailure* | *InternalError* | *ServiceUnavailable*) _image_fail 69 "$name" "$message" "AWS has a problem: try it again" ;;
        # The second is all that the CLI says to XML of another kind, such as a proxy's page.
        *"Unable to parse response"* | *"'GetCallerIdentityResult'"* | *"'AssumeRoleWithWebIdentityResult'"*)
            _image_fail 69 "$name" "the answer of STS is none: $message" "is something between here and there that answers in its name?" ;;
        *Throttling*) _image_fail 75 "$name" "$message" "too many calls: try it again later" ;;
        *) _image_fail 1 "$name" "$message" ;;
    esac
)

# aws_assume_web_identity: take the role of this pod (IRSA) and export its credentials.
# Usage: aws_assume_web_identity [SESSION] [DURATION]
#
# Reads AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, which EKS sets for a service account with a role. SESSION is the name
# that CloudTrail shows, default AWS_ROLE_SESSION_NAME or the host's name; DURATION is in seconds, 900 to 43200, default
# 3600 (more needs the role's permission). Sets and exports AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and
# AWS_CREDENTIAL_EXPIRATION, all or none. Prints nothing on stdout; on stderr the role and the time at which it ends. Neither token
# nor keys are printed or stand on a command line. Not in $( ): the variables would end with it.
aws_assume_web_identity() { _image_call aws_assume_web_identity 0 2 "$@"; }
_aws_assume_web_identity() {
    local _image_trace _image_keys
    # Under `set -x` the keys would be on the terminal.
    case $- in *x*) _image_trace=1 && set +x ;; *) _image_trace='' ;; esac
    if _image_keys=$(_image_assume "$@"); then
        AWS_ACCESS_KEY_ID=$(printf '%s\n' "$_image_keys" | sed -n 1p)
        AWS_SECRET_ACCESS_KEY=$(printf '%s\n' "$_image_keys" | sed -n 2p)
        AWS_SESSION_TOKEN=$(printf '%s\n' "$_image_keys" | sed -n 3p)
        AWS_CREDENTIAL_EXPIRATION=$(printf '%s\n' "$_image_keys" | sed -n 4p)
        export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION
        [ -z "$_image_trace" ] || set -x
        printf 'aws_assume_web_identity: %s until %s\n' "$AWS_ROLE_ARN" "$AWS_CREDENTIAL_EXPIRATION" >&2
    else
        set -- "$?" "$_image_trace"
        [ -z "$2" ] || set -x
        return "$1"
    fi
}

# _image_assume [SESSION] [DURATION]: key, secret, session token and expiration, a line each.
_image_assume() (
    name=aws_assume_web_identity
    session=${1:-${AWS_ROLE_SESSION_NAME:-$(tr -c 'A-Za-z0-9_=,.@\n-' - </proc/sys/kernel/hostname | cut -c -64)}}
    duration=${2:-3600}
    case $session in
        ? | *[!A-Za-z0-9_=,.@+-]*) _image_usage "$name" "the session '$session' is not 2 to 64 letters, digits or _=,.@+-"; return ;;
    esac
    [ "${#session}" -le 64 ] || { _image_usage "$name" "the session '$session' is longer than 64 characters"; return; }
    if ! _image_is_number "$duration" || [ "$duration" -lt 900 ] || [ "$duration" -gt 43200 ]; then
        _image_usage "$name" "the duration '$duration' is not 900 to 43200 seconds"
        return
    fi
    for variable in AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE; do
        eval "value=\${$variable-}"
        [ -n "$value" ] || { _image_fail 77 "$name" "$variable is not set" \
            "on EKS: the service account needs the annotation eks.amazonaws.com/role-arn; the pod must be started after it was added"; return; }
    done
    [ -r "$AWS_WEB_IDENTITY_TOKEN_FILE" ] || { _image_fail 77 "$name" "cannot read AWS_WEB_IDENTITY_TOKEN_FILE: $AWS_WEB_IDENTITY_TOKEN_FILE" \
        "is it mounted, and may uid $(id -u) read it (fsGroup)?"; return; }
    _image_need "$name" jq || return
    AWS_REGION=$(_aws_region) || return
    token=$(cat "$AWS_WEB_IDENTITY_TOKEN_FILE") || return 77
    # The CLI would look for credentials at the instance first, in vain: this request is not signed.
    export AWS_REGION AWS_EC2_METADATA_DISABLED=true
    # The token on stdin: a command line can be read by others. $( ) took the newline off that a file made by hand ends with.
    credentials=$(printf %s "$token" | _image_aws "$name" sts assume-role-with-web-identity --no-sign-request --output json \
        --role-arn "$AWS_ROLE_ARN" --role-session-name "$session" --duration-seconds "$duration" --web-identity-token file:///dev/stdin) || return
    # Four lines or none: the caller splits them.
    printf '%s\n' "$credentials" | jq -re '.Credentials | [.AccessKeyId, .SecretAccessKey, .SessionToken, .Expiration]
        | select(all(type == "string" and test("\\A[!-~]+\\z"))) | .[]' 2>/dev/null \
        || _image_fail 69 "$name" "the answer of STS has no credentials"
)

# aws_clear_credentials: forget the credentials of this shell.
# Usage: aws_clear_credentials
#
# Unsets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_SECURITY_TOKEN and AWS_CREDENTIAL_EXPIRATION. What
# remains is what the AWS CLI finds by itself: a profile, the web identity, the instance's role.
aws_clear_credentials() { _image_call aws_clear_credentials 0 0 "$@"; }
_aws_clear_credentials() {
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_CREDENTIAL_EXPIRATION
}

# aws_identity: who AWS takes us for.
# Usage: aws_identity
#
# Prints JSON with UserId, Account and Arn. Needs no permission, so a failure means bad credentials or no network.
aws_identity() { _image_call aws_identity 0 0 "$@"; }
_aws_identity() ( _image_identity aws_identity; )

# _image_identity FUNCTION: what STS says, when it is that; else 69.
_image_identity() (
    _image_need "$1" aws jq || return
    identity=$(_image_aws "$1" sts get-caller-identity --output json) || return
    if printf '%s\n' "$identity" | jq -e '.Account | test("\\A[0-9]{12}\\z")' >/dev/null 2>&1; then
        printf '%s\n' "$identity"
    else
        _image_fail 69 "$1" "the answer of STS has no account of twelve digits" "is something between here and there that answers in its name?"
    fi
)

# aws_account_id: the twelve digits of the account that we act in.
# Usage: aws_account_id
aws_account_id() { _image_call aws_account_id 0 0 "$@"; }
_aws_account_id() (
    identity=$(_image_identity aws_account_id) || return
    printf '%s\n' "$identity" | jq -r .Account
)
