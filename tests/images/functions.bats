#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154  # single quotes: expanded in the container; variables shared with support.bash
# What every function of the library keeps, whatever it does: help, no exit, no variable left behind, any shell options.

bats_require_minimum_version 1.5.0

# With arguments that are right; here there is neither a cloud nor a cluster, so those that ask fail.
calls=(aws_help 'aws_imds a' aws_region aws_assume_web_identity aws_clear_credentials aws_identity aws_account_id
    k8s_help k8s_namespace k8s_pod_name k8s_kubeconfig 'k8s_api GET /api' k8s_self_get 'k8s_self_annotate a=b' 'k8s_self_label a=b' 'k8s_self_patch {}'
    'k8s_scale_sts db 1' 'k8s_wait_rollout statefulset/db 1s' 'k8s_wait_pod db-0 Ready 1s' 'k8s_can_i get pods' k8s_owner 'k8s_secret_get app' 'k8s_event Reason text')

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
    # An empty environment and a port at which nobody listens.
    options=(-e KUBERNETES_SERVICE_HOST=127.0.0.1 -e KUBERNETES_SERVICE_PORT=9 -e AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9)
}

names() { printf '%s\n' "${calls[@]%% *}"; }

@test "the calls of this file are all the functions that there are" {
    lib 0 'aws_help; k8s_help'
    [[ $(grep -oE '^(aws|k8s)_[a-z0-9_]+' <<<"$output" | sort) == "$(names | sort)" ]]
    run docker exec "$pod" bash -c ". $library; compgen -A function"
    # Private ones start with an underscore.
    [[ $(grep -v '^_' <<<"$output" | sort) == "$(names | sort)" ]] || { echo "$output"; return 1; }
}

@test "each explains itself: --help and -h on stdout, a usage line, code 0" {
    lib 0 "$(for call in $(names); do echo "$call --help; echo ==; $call -h; echo =="; done)"
    [[ -z $errors ]]
    for call in $(names); do
        [[ $output == "$call: "*$'\n'"Usage: $call"*$'\n==\n'"$call: "* ]] || { echo "$output"; return 1; }
        output=${output#*$'\n==\n'} && output=${output#*==} && output=${output#$'\n'}
    done
}

@test "none exits the shell, in a test or under set -e, and a failure is one of the promised codes" {
    script=''
    for call in "${calls[@]}"; do script+="code=0; $call >/dev/null 2>&1 || code=\$?; echo \$code
if $call >/dev/null 2>&1; then :; fi
"; done
    lib 0 "$script"
    [[ $(wc -l <<<"$output") -eq ${#calls[@]} ]]
    for code in $output; do [[ $code =~ ^(0|69|77)$ ]] || { echo "$output"; return 1; }; done
    # Called plainly under set -e: the shell goes on after a success, and ends with the function's own code after a failure.
    lib 0 "$(for call in "${calls[@]}"; do
        echo "code=0; $call >/dev/null 2>&1 || code=\$?; (set -e; $call >/dev/null 2>&1; exit 0) & wait \$! && again=0 || again=\$?; echo '$call' \$code \$again"
    done)"
    [[ $(wc -l <<<"$output") -eq ${#calls[@]} ]]
    [[ -z $(awk '$(NF - 1) != $NF' <<<"$output") ]] || { echo "$output"; return 1; }
}

@test "none leaves a variable, an option, a folder or a umask behind" {
    script='state() { (set | grep -oE "^[A-Za-z_][A-Za-z0-9_]*=" | grep -vE "^(_|PIPESTATUS|BASH_LINENO|BASH_SOURCE|FUNCNAME|LINENO|OPTIND|before|BASH_.*|RANDOM|SECONDS|EPOCH.*)="; echo $-; pwd; umask) | cksum; }
before=$(state)
'
    for call in "${calls[@]}"; do
        # This one is there to set three, HOME is one that the shell has.
        [[ $call == k8s_kubeconfig ]] || script+="$call >/dev/null 2>&1 || :; [ \"\$(state)\" = \"\$before\" ] || { echo '$call:'; set; exit 1; }
"
    done
    lib 0 "$script"
    # Private names of the library are gone as well after those with braces.
    lib 0 'k8s_kubeconfig >/dev/null; aws_assume_web_identity 2>/dev/null || :; ! set | grep -E "^_?image_[a-z]*="'
}

@test "the shell's options and IFS of the caller do not matter" {
    for options_of_shell in 'set -f' 'set -C' 'IFS=:/' 'IFS=0123456789' 'unset HOME' 'set -a' 'unset IFS'; do
        container=$pod options=(-e AWS_REGION=r)
        lib 0 "$options_of_shell; k8s_self_get .metadata.name; aws_imds instance-id; k8s_self_annotate a=b; k8s_can_i patch statefulsets.apps/scale db; k8s_secret_get app password; k8s_wait_pod db-0"
        prints $'db-0\ni-0123456789abcdef0\npod/db-0\nyes\np\'a"s\\s é'"pod/db-0 condition met" || { echo "$options_of_shell"; return 1; }
        lib 0 "$options_of_shell; k8s_scale_sts --help; aws_help"
        [[ $output == "k8s_scale_sts: "*"Usage: k8s_scale_sts NAME"*aws_imds* && -z $errors ]] || { echo "$options_of_shell: $output $errors"; return 1; }
        lib 2 "$options_of_shell; k8s_scale_sts"
        says "usage: k8s_scale_sts NAME REPLICAS" || { echo "$options_of_shell"; return 1; }
    done
}

@test "stdin is the caller's: a loop that reads goes on" {
    container=$pod options=()
    lib 0 'printf "a=1\nb=2\n" | while read -r line; do k8s_self_annotate "$line"; done'
    prints $'pod/db-0\npod/db-0'
}

@test "a missing program: which, where from" {
    container=$pod options=(-e AWS_REGION=eu-central-1 -e AWS_ROLE_ARN=a -e AWS_WEB_IDENTITY_TOKEN_FILE=/etc/hostname)
    # A PATH with nothing but what a small image has.
    few='mkdir -p /tmp/few; for program in cat sed tr awk id cut head; do ln -sf "$(command -v $program)" /tmp/few/; done; PATH=/tmp/few
'
    for pair in 'aws_imds a|curl' 'aws_identity|aws' 'aws_assume_web_identity|jq' 'k8s_self_get|curl' 'k8s_wait_pod db-0|kubectl' 'k8s_event Reason text|jq'; do
        lib 127 "$few${pair%|*}"
        says "not installed: ${pair#*|}" "base-runtime has it"
    done
}

@test "sourced twice, from any folder, by a login shell" {
    container=$pod options=(-w /tmp)
    lib 0 ". $library; k8s_pod_name"
    prints db-0
    lib 0 'sh -lc k8s_pod_name; bash -lc k8s_pod_name'
    prints $'db-0\ndb-0'
}

@test "sourcing prints nothing, sets no variable, and needs no program" {
    for shell in bash dash; do
        run docker exec "$pod" "$shell" -euc "PATH=/nowhere; one=\$(set); . $library; two=\$(set); echo loaded"
        [[ $status -eq 0 && $output == loaded ]]
    done
    lib 0 'set | grep -iE "^(image|_image)[a-z_]*=" || echo none'
    prints none
}

@test "docs/functions.md: the examples, typed as they stand, print what it says" {
    echo eyJ.web.identity >"$BATS_FILE_TMPDIR/account/aws-token"
    options=(-e AWS_REGION=eu-central-1 -e AWS_ENDPOINT_URL_STS=http://127.0.0.1:8080 -e AWS_ROLE_ARN=arn:aws:iam::123456789012:role/app -e "AWS_WEB_IDENTITY_TOKEN_FILE=$account/aws-token")
    # A line for each block: the commands, and what is wanted, as JSON; times are not compared.
    local block count=0 timeless='s/20[0-9-]*T[0-9:.]*(Z|\+00:00)/TIME/'
    while IFS= read -r block; do
        diff <(jq -r .wanted <<<"$block" | sed -E "$timeless") \
            <(docker exec -i "${options[@]}" "$pod" bash -c ". $library; $(jq -r .commands <<<"$block")" 2>&1 </dev/null | sed -E "$timeless")
        count=$((count + 1))
    done < <(jq -Rsc 'split("```console\n")[1:][] | split("\n```")[0] | split("\n")
        | {commands: map(select(startswith("$ "))[2:]) | join("\n"), wanted: map(select(startswith("$ ") | not)) | join("\n")}' "$REPO/docs/functions.md")
    [[ $count -ge 12 ]]
}

@test "docs/functions.md names every function with the usage line of its help" {
    lib 0 "$(for call in $(names); do echo "$call --help | sed -n 's/^Usage: //p'"; done)"
    while IFS= read -r usage; do
        [[ $usage == *_help ]] || grep -qF "\`${usage//|/\\|}\`" "$REPO/docs/functions.md" || { echo "not in docs/functions.md: $usage"; return 1; }
    done <<<"$output"
}
