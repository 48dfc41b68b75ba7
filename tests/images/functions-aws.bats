#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154  # single quotes: expanded in the container; variables shared with support.bash
# The functions for AWS, in the image, in bash and dash: against moto, and against fakes for what moto does not refuse.

bats_require_minimum_version 1.5.0

role=arn:aws:iam::123456789012:role/app
jwt=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhcHAifQ.web-identity_token
# As EKS sets it, and STS behind the gate to moto.
web_identity=(-e AWS_REGION=eu-central-1 -e AWS_ENDPOINT_URL_STS=http://127.0.0.1:8080 -e "AWS_ROLE_ARN=$role"
    -e AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/kubernetes.io/serviceaccount/aws-token)
sts=(-e AWS_REGION=eu-central-1 -e AWS_ENDPOINT_URL_STS=http://127.0.0.1:8080 -e AWS_ACCESS_KEY_ID=AKIA0123456789 -e AWS_SECRET_ACCESS_KEY=secret0123456789)

setup_file() {
    load functions/support
    start_containers
    echo "$jwt" >"$BATS_FILE_TMPDIR/account/aws-token" # with a newline, as people write it
}

teardown_file() {
    load functions/support
    remove_containers
}

setup() {
    load functions/support
    reset_world
}

@test "aws_imds: a session token first, then the path with it" {
    lib 0 'aws_imds instance-id'
    prints i-0123456789abcdef0
    sent '.[] | [.method, .path, .headers["x-aws-ec2-metadata-token-ttl-seconds"]]' \
        '["PUT","/latest/api/token","60"]
["GET","/latest/meta-data/instance-id",null]'
    # The fake answers 401 to any token that it did not give.
    sent '.[1].headers["x-aws-ec2-metadata-token"] | length > 20' true
}

@test "aws_imds: what moto serves comes through" {
    lib 0 'aws_imds iam/security-credentials/'
    prints default-role
    lib 0 'aws_imds iam/security-credentials/default-role | jq -r .AccessKeyId'
    prints test-key
}

@test "aws_imds: a path from the root, lines kept, an empty value" {
    lib 0 'aws_imds /latest/dynamic/instance-identity/document'
    prints $'{\n  "region" : "eu-west-3"\n}'
    lib 0 'aws_imds empty'
    prints ''
}

@test "aws_imds: the fake refuses a request without a token, as EC2 does" {
    lib 0 'curl -s -o /dev/null -w "%{http_code}" http://169.254.169.254/latest/meta-data/instance-id'
    prints 401
}

@test "aws_imds: refused session token, forbidden, no such path, a server's fault" {
    fault 401 GET
    lib 77 'aws_imds instance-id'
    says "aws_imds: error: http://169.254.169.254/latest/meta-data/instance-id refused the session token (401)"
    fault 403 PUT
    lib 77 'aws_imds instance-id'
    says "/latest/api/token is forbidden (403)" "switched off"
    fault 500 GET
    lib 69 'aws_imds instance-id'
    says "failed with HTTP 500" "try it again"
    rm "$BATS_FILE_TMPDIR/fake/fault"
    lib 1 'aws_imds no/such'
    says "/latest/meta-data/no/such does not exist (404)" "aws_imds /latest/meta-data/"
}

@test "aws_imds: no answer in time tells of the hop limit" {
    fault hang PUT
    options=(-e AWS_METADATA_SERVICE_TIMEOUT=1)
    lib 75 'aws_imds instance-id'
    says "did not answer in time" "hop limit of 1"
    fault hang GET
    lib 75 'aws_imds instance-id'
    says "did not answer in time"
}

@test "aws_imds: nobody there, another endpoint, no proxy, IPv6's address, switched off" {
    options=(-e AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9/)
    lib 69 'aws_imds instance-id'
    says "http://127.0.0.1:9 cannot be reached" "not on EC2"
    options=(-e http_proxy=http://127.0.0.1:9 -e HTTP_PROXY=http://127.0.0.1:9 -e all_proxy=http://127.0.0.1:9)
    lib 0 'aws_imds instance-id'
    prints i-0123456789abcdef0
    options=(-e AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6 -e AWS_METADATA_SERVICE_TIMEOUT=1)
    lib 69 'aws_imds instance-id'
    says "http://[fd00:ec2::254] cannot be reached"
    options=(-e AWS_EC2_METADATA_DISABLED=true)
    lib 69 'aws_imds instance-id'
    says "AWS_EC2_METADATA_DISABLED is true"
    sent length 0
}

@test "aws_imds: a wrong call is refused before any request" {
    for call in aws_imds 'aws_imds ""' 'aws_imds a b' 'aws_imds "a b"' 'AWS_METADATA_SERVICE_TIMEOUT=soon; aws_imds a'; do
        lib 2 "$call"
        says "aws_imds: error: "
        sent length 0
    done
}

@test "aws_region: the environment first, then the instance metadata" {
    options=(-e AWS_REGION=eu-central-1 -e AWS_DEFAULT_REGION=us-east-1)
    lib 0 aws_region
    prints eu-central-1
    options=(-e AWS_DEFAULT_REGION=us-east-1)
    lib 0 aws_region
    prints us-east-1
    sent length 0
    options=()
    lib 0 aws_region
    prints eu-west-3
    # A profile's is nearer than the instance's.
    lib 0 'printf "[default]\nregion = eu-west-1\n[profile far]\nregion = ap-south-1\n" >/tmp/config; export AWS_CONFIG_FILE=/tmp/config
        aws_region; AWS_PROFILE=far; export AWS_PROFILE; aws_region; rm /tmp/config'
    prints $'eu-west-1\nap-south-1'
    sent length 0
    fault 403 PUT
    lib 77 aws_region
    says "aws_region: error: neither AWS_REGION nor AWS_DEFAULT_REGION is set" "export AWS_REGION="
}

@test "aws_assume_web_identity: credentials from STS, exported; what it asked" {
    options=("${web_identity[@]}")
    lib 0 'aws_assume_web_identity night-shift 900
        printenv AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION | sed "s/[A-Za-z0-9+\/=:.-]\{16,\}/set/"
        aws_identity | jq -r .Arn'
    [[ $errors == "aws_assume_web_identity: $role until 20"* ]]
    [[ $output == *"set"*"set"*"set"*"set"* ]]
    [[ $output == *"arn:aws:sts::123456789012:assumed-role/app/night-shift" ]]
    for value in Action=AssumeRoleWithWebIdentity "WebIdentityToken=$jwt" RoleSessionName=night-shift DurationSeconds=900 RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapp; do
        sent ".[0].body | split(\"&\") | contains([\"$value\"])" true
    done
    # The answer signs nothing: this request has no credentials. The next one has.
    sent '[.[0, 1].headers | has("authorization")]' '[false,true]'
}

@test "aws_assume_web_identity: session and duration by default" {
    options=("${web_identity[@]}")
    lib 0 aws_assume_web_identity
    sent '.[0].body | test("(^|&)RoleSessionName=db-0(&|$)") and test("(^|&)DurationSeconds=3600(&|$)")' true
    options+=(-e AWS_ROLE_SESSION_NAME=named)
    lib 0 aws_assume_web_identity
    sent '.[0].body | test("(^|&)RoleSessionName=named(&|$)")' true
}

@test "aws_assume_web_identity: old credentials in the shell do not matter, and stay when it fails" {
    options=("${web_identity[@]}" -e AWS_ACCESS_KEY_ID=old -e AWS_SECRET_ACCESS_KEY=old -e AWS_SESSION_TOKEN=old)
    lib 0 'aws_assume_web_identity; [ "$AWS_ACCESS_KEY_ID" != old ]'
    fault 403
    lib 0 'aws_assume_web_identity || echo "$? $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN ${AWS_CREDENTIAL_EXPIRATION-unset}"'
    [[ $output == "77 old old old unset" ]]
}

@test "aws_assume_web_identity: STS refuses, fails, hangs, is not there" {
    options=("${web_identity[@]}" -e AWS_TIMEOUT=1 -e AWS_MAX_ATTEMPTS=1)
    fault 403
    lib 77 aws_assume_web_identity
    says "aws_assume_web_identity: error: " AccessDenied "does the role trust this identity"
    fault 400
    lib 77 aws_assume_web_identity
    says InvalidIdentityToken
    fault 418 # the fake's number for ExpiredTokenException
    lib 77 aws_assume_web_identity
    says ExpiredToken "too old"
    fault 500
    lib 69 aws_assume_web_identity
    says "AWS has a problem"
    fault hang
    lib 75 aws_assume_web_identity
    says "imeout" "VPC endpoint"
    options+=(-e AWS_ENDPOINT_URL_STS=http://127.0.0.1:9)
    lib 69 aws_assume_web_identity
    says "Could not connect" "is the network there"
}

@test "aws_assume_web_identity: an answer without all four, or with lines of its own, sets none" {
    options=("${web_identity[@]}" -e AWS_ACCESS_KEY_ID=old -e AWS_SECRET_ACCESS_KEY=old -e AWS_SESSION_TOKEN=old)
    for answer in 'KEY||TOKEN|2026-01-01T00:00:00Z' $'KEY\nTWO|SECRET|TOKEN|2026-01-01T00:00:00Z' 'KEY|a b|TOKEN|2026-01-01T00:00:00Z' '|||' 'KEY|SECRET||2026-01-01T00:00:00Z'; do
        credentials=''
        IFS='|' read -r -d '' key secret session expiration <<<"$answer" || true
        for pair in "AccessKeyId:$key" "SecretAccessKey:$secret" "SessionToken:$session" "Expiration:${expiration%$'\n'}"; do
            [[ -z ${pair#*:} ]] || credentials+="<${pair%%:*}>${pair#*:}</${pair%%:*}>"
        done
        instead 200 "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>
<Credentials>$credentials</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        lib 0 'aws_assume_web_identity || echo "$? $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN ${AWS_CREDENTIAL_EXPIRATION-unset}"'
        [[ $output == "69 old old old unset" && $errors == *"the answer of STS has no credentials"* ]] || { echo "$answer: $output $errors"; return 1; }
    done
}

@test "aws_assume_web_identity: not set up in this pod: says which variable or file" {
    lib 77 aws_assume_web_identity
    says "AWS_ROLE_ARN is not set" eks.amazonaws.com/role-arn
    options=("${web_identity[@]}" -e AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere)
    lib 77 aws_assume_web_identity
    says "cannot read AWS_WEB_IDENTITY_TOKEN_FILE: /nowhere"
    options=("${web_identity[@]}" -e AWS_REGION= -e AWS_EC2_METADATA_DISABLED=true)
    lib 69 aws_assume_web_identity
    says "neither AWS_REGION nor AWS_DEFAULT_REGION is set"
    sent length 0
}

@test "aws_assume_web_identity: a wrong session or duration is refused" {
    options=("${web_identity[@]}")
    for call in '"a b"' x '"'"$(printf 'x%.0s' {1..65})"'"' 'name 899' 'name 43201' 'name 1h' 'name 0900' 'a 900 c'; do
        lib 2 "aws_assume_web_identity $call"
        says "usage: aws_assume_web_identity [SESSION] [DURATION]"
        sent length 0
    done
}

@test "aws_assume_web_identity: the token on no command line, nothing secret under set -x" {
    options=("${web_identity[@]}" -e AWS_TIMEOUT=4 -e AWS_MAX_ATTEMPTS=1)
    for shell in bash dash; do
        fault hang
        secret_is_hidden "$jwt" sts aws_assume_web_identity $shell
    done
    rm "$BATS_FILE_TMPDIR/fake/fault"
    # The last line shows that the trace is on again afterwards.
    lib 0 '{ set -x; aws_assume_web_identity; set +x; } 2>/tmp/trace
        grep -cF -e "$AWS_ACCESS_KEY_ID" -e "$AWS_SECRET_ACCESS_KEY" -e "$AWS_SESSION_TOKEN" /tmp/trace || :
        tail -n 1 /tmp/trace'
    prints $'0\n+ set +x'
}

@test "aws_clear_credentials: gone, and the rest stays" {
    options=(-e AWS_ACCESS_KEY_ID=a -e AWS_SECRET_ACCESS_KEY=b -e AWS_SESSION_TOKEN=c -e AWS_SECURITY_TOKEN=d -e AWS_CREDENTIAL_EXPIRATION=e -e AWS_REGION=eu-central-1)
    lib 0 'aws_clear_credentials; env | grep ^AWS_; aws_clear_credentials'
    prints AWS_REGION=eu-central-1
    lib 2 'aws_clear_credentials now'
    says "usage: aws_clear_credentials"
}

@test "aws_identity and aws_account_id: who, and where" {
    options=("${sts[@]}")
    lib 0 'aws_identity | jq -r "keys | join(\" \")"'
    prints "Account Arn UserId"
    lib 0 aws_account_id
    prints 123456789012
    sent '.[0].body | test("Action=GetCallerIdentity")' true
    lib 2 'aws_identity me'
    lib 2 'aws_account_id me'
    says "usage: aws_account_id"
}

@test "aws_identity and aws_account_id: the region of a profile; an answer that is none" {
    options=("${sts[@]}" -e AWS_REGION= -e AWS_EC2_METADATA_DISABLED=true)
    lib 0 'printf "[default]\nregion = eu-west-3\n" >/tmp/config; export AWS_CONFIG_FILE=/tmp/config; aws_account_id; rm /tmp/config'
    prints 123456789012
    options=("${sts[@]}")
    for account in '' '<Account>12345678901x</Account>'; do
        instead 200 "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>$account<Arn>a</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
        for function in aws_identity aws_account_id; do
            lib 69 $function
            says "$function: error: the answer of STS has no account of twelve digits"
        done
    done
    options+=("${web_identity[@]}")
    for body in '' '<html>It works</html>'; do
        instead 200 "$body"
        lib 69 aws_identity
        says "aws_identity: error: the answer of STS is none: "
        lib 0 'unset AWS_ACCESS_KEY_ID; aws_assume_web_identity || echo "$? ${AWS_ACCESS_KEY_ID-unset}"'
        [[ $output == "69 unset" ]]
    done
}

@test "the AWS CLI by itself, with a web identity in a read-only pod: only where HOME can be written, or after aws_assume_web_identity" {
    options=("${web_identity[@]}")
    whoami='aws sts get-caller-identity --query Account --output text'
    lib 255 "$whoami"
    says "Read-only file system: '/home/app/.aws'"
    lib 0 "HOME=/dev/shm; $whoami; rm -r /dev/shm/.aws"
    prints 123456789012
    lib 0 "aws_assume_web_identity 2>/dev/null; $whoami"
    prints 123456789012
}

@test "aws_identity: by the web identity alone, where HOME cannot be written; without any writable place" {
    options=("${web_identity[@]}" -e HOME=/nowhere)
    lib 0 'aws_identity | jq -r .Arn | cut -d / -f 1,2; echo $HOME'
    prints $'arn:aws:sts::123456789012:assumed-role/app\n/nowhere'
    new_pod "$name-bare" --ipc none
    container=$name-bare
    lib 69 aws_identity
    says "writable HOME or /tmp" "emptyDir"
    lib 0 'aws_assume_web_identity 2>/dev/null; aws_account_id'
    prints 123456789012
}

@test "aws_identity and aws_account_id: no credentials, refused, failing, hanging" {
    for function in aws_identity aws_account_id; do
        options=(-e AWS_REGION=eu-central-1 -e AWS_ENDPOINT_URL_STS=http://127.0.0.1:8080 -e AWS_EC2_METADATA_DISABLED=true)
        lib 77 $function
        says "$function: error: no AWS credentials" "aws_assume_web_identity"
        options=("${sts[@]}" -e AWS_MAX_ATTEMPTS=1 -e AWS_TIMEOUT=1)
        fault 418
        lib 77 $function
        says "$function: error: " "ExpiredToken" "aws_clear_credentials"
        rm "$BATS_FILE_TMPDIR/fake/fault"
    done
    fault 500
    lib 69 aws_account_id
    fault hang
    lib 75 aws_account_id
}
