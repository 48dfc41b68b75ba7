#!/usr/bin/env bats
# base-root's own suite, `image`, and its health check, as they are called: docker run IMAGE test, docker exec ... wrapper test.
# Each check is seen to pass in every way of running a container, and to fail in an image that is broken for it.
# shellcheck disable=SC2016,SC2153,SC2086  # for the inner shell; REPO comes from common.bash; ways of running are words

bats_require_minimum_version 1.5.0

checks=rootfs/root/usr/lib/wrapper/tests/image

setup_file() {
    load common
    "$REPO/dbuild.sh" root
    . "$REPO/vars.sh"
    printf 'FROM %s\nRUN install_packages goss\n' "${IMAGE_PREFIX}base-root:$VERSION" | docker build --tag "${TEST_PREFIX}goss" - >&2
}

teardown_file() {
    load common
    remove_test_images
}

setup() {
    load common
    . "$REPO/vars.sh"
    image=${IMAGE_PREFIX}base-root:$VERSION
    name=suites-$(cksum <<<"$TEST_PREFIX" | cut -d ' ' -f 1)
}

teardown() { docker rm --force --volumes "$name" >/dev/null 2>&1 || true; }

# A line a way to run a container; the last two are what a pod of the restricted standard is, as root and as anybody.
ways() {
    cat <<'WAYS'

--user 65532:0
--user 123456:234567
--read-only --network none --env LANG= --env HOME=
--read-only --cap-drop ALL --security-opt no-new-privileges
--read-only --cap-drop ALL --security-opt no-new-privileges --user 123456:234567 --network none
WAYS
}

# derived LINE: an image with these lines (\n between them) on top of base-root.
derived() {
    printf '%b\n' "FROM $image\n$1" | docker build --tag "${TEST_PREFIX}derived" - >"$BATS_TEST_TMPDIR/build.log" 2>&1 ||
        { cat "$BATS_TEST_TMPDIR/build.log"; return 1; }
}

# files_of REPORT FILTER: the files of the results for which jq's FILTER holds, each once.
files_of() { jq -r ".results[] | select($2) | .file" <<<"$1" | sort -u; }

# told WAY: the last `run` passed, else how it was run and what failed in its report.
told() {
    [ "$status" -eq 0 ] || { echo "exit code $status with: $1"; jq '.results[] | select(.successful | not)' <<<"$output"; return 1; }
}

@test "the image suite passes as root, as USER, as any uid, read-only, without capabilities" {
    while IFS= read -r way; do
        run --separate-stderr docker run --rm $way "$image" test --format json </dev/null
        told "$way"
        [ "$(files_of "$output" .successful)" = "$(ls "$REPO/$checks")" ]
    done < <(ways)
}

@test "goss files join the inherited suite, by the real goss, in the same ways" {
    while IFS= read -r way; do
        run --separate-stderr docker run --rm $way --volume "$REPO/tests/images/goss:/etc/wrapper/tests/image:ro" "${TEST_PREFIX}goss" test --format json </dev/null
        told "$way"
        [ "$(files_of "$output" .successful)" = "$(cd "$REPO" && printf '%s\n' "$checks"/*.sh tests/images/goss/*.goss.yaml | sed 's|.*/||' | sort)" ]
        # What the range over 00-programs.vars.yaml made.
        [ "$(jq '[.results[] | select(.file == "00-programs.goss.yaml")] | length' <<<"$output")" -eq 32 ]
    done < <(ways)
}

@test "a goss file that does not hold fails the suite, and says what was found" {
    printf 'user:\n  app:\n    exists: true\n    uid: 1000\n' >"$BATS_TEST_TMPDIR/50-uid.goss.yaml"
    run docker run --rm --read-only --user 123456:234567 \
        --volume "$BATS_TEST_TMPDIR/50-uid.goss.yaml:/etc/wrapper/tests/image/50-uid.goss.yaml:ro" "${TEST_PREFIX}goss" test
    fails_with 1 65532
    [[ $output == *1000* ]]
}

@test "each check fails in an image that is broken for it, says what is wrong, and no other check fails" {
    local check lines text
    while IFS='|' read -r check lines text; do
        derived "$lines" </dev/null
        run --separate-stderr docker run --rm "${TEST_PREFIX}derived" test --format json </dev/null
        [ "$status" -eq 1 ] && [ "$(files_of "$output" '.successful | not')" = "$check.sh" ] && [[ $output == *"$text"* ]] ||
            { echo "broken: $lines"; echo "wanted: $check: $text; exit code $status"; echo "$output" | jq '.results[] | select(.successful | not)'; return 1; }
    done <<'BROKEN'
00-wrapper|RUN chmod 775 /usr/bin/wrapper|has mode and owner 775 0:0, not 755 0:0
00-wrapper|RUN ln -s /bin/true /usr/local/bin/wrapper|/usr/local/bin/wrapper comes before
00-wrapper|RUN cp /usr/bin/wrapper /opt/ && cp /bin/true /usr/bin/wrapper\nENTRYPOINT ["/opt/wrapper"]|is not static
00-wrapper|RUN cp /usr/bin/wrapper /opt/ && rm /usr/bin/wrapper\nENTRYPOINT ["/opt/wrapper"]|/usr/bin/wrapper is not there
00-wrapper|RUN echo 9.9.9 >/usr/lib/image/version|the image was made with 'wrapper 9.9.9'
00-setuid|RUN chmod u+s /usr/bin/passwd|root root 4755 /usr/bin/passwd
00-setuid|RUN chmod g+s /usr/bin/mount|root root 2755 /usr/bin/mount
00-setuid|RUN install_packages sudo|root root 4755 /usr/bin/sudo
00-writable|RUN chmod 777 /usr/local/lib|/usr/local/lib
00-writable|RUN chmod 666 /etc/passwd|/etc/passwd
00-apt-clean|RUN apt-get update|install with: RUN install_packages
00-apt-config|RUN echo Broken >/etc/apt/apt.conf.d/99broken|99broken
00-apt-config|RUN rm /etc/apt/apt.conf.d/50image|/etc/apt/apt.conf.d/50image is missing
00-apt-config|RUN echo '#!/bin/sh' >/usr/sbin/policy-rc.d|says 0, not 101
00-packages|RUN mkdir -p /opt/p/DEBIAN && printf 'Package: half\\nVersion: 1\\nArchitecture: all\\nMaintainer: m\\nDescription: d\\n' >/opt/p/DEBIAN/control && dpkg-deb -b /opt/p && dpkg --unpack /opt/p.deb|half
00-locale|ENV LANG=de_DE.UTF-8|LANG='de_DE.UTF-8'
00-timezone|ENV TZ=Europe/Nowhere|TZ is 'Europe/Nowhere', which is no time zone of this image
00-timezone|RUN rm /etc/localtime && touch /etc/localtime|/etc/localtime is not a time zone
00-accounts|RUN usermod --uid 1000 app|not uid 65532
00-accounts|RUN chown root /home/app|/home/app belongs to 0:0
00-accounts|RUN echo toor:x:0:0::/root:/bin/sh >>/etc/passwd|toor
00-accounts|RUN passwd --delete games|no password is asked for
00-secrets|RUN echo 0123456789abcdef0123456789abcdef >/etc/machine-id|/etc/machine-id has an id
00-secrets|RUN mkdir /etc/ssh && touch /etc/ssh/ssh_host_rsa_key|ssh_host_rsa_key is the same in every container
00-tmp|RUN chmod 755 /tmp|/tmp has mode 755, not 1777
00-files|RUN rm /usr/lib/image/clean|/usr/lib/image/clean is missing
00-files|RUN echo 'if' >/usr/sbin/install_packages|/usr/sbin/install_packages is not a shell script
00-files|RUN rm -r /usr/share/doc|the copyright files are gone
BROKEN
}

@test "every check of the suite is in the table above" {
    local file
    for file in "$REPO/$checks"/*; do
        grep -q "^$(basename "$file" .sh)|" "$BATS_TEST_FILENAME" || { echo "not seen to fail: $file"; return 1; }
    done
}

@test "a setuid program on dpkg's record is none of the surprises" {
    derived 'RUN install_packages sudo && dpkg-statoverride --add root root 4755 /usr/bin/sudo'
    docker run --rm --read-only --user 123456:234567 "${TEST_PREFIX}derived" test
}

@test "a derived image replaces a check by one of the same name, and masks it with a link to /dev/null" {
    derived 'RUN chmod 755 /tmp && mkdir -p /etc/wrapper/tests/image && ln -s /dev/null /etc/wrapper/tests/image/00-tmp.sh'
    run docker run --rm "${TEST_PREFIX}derived" test
    [ "$status" -eq 0 ]
    [[ $output != *00-tmp* ]]
}

@test "no suite for a probe: live, ready and startup pass while the app runs, in every way of running" {
    while IFS= read -r way; do
        docker run --detach --name "$name" $way "$image" sleep 1000 </dev/null >/dev/null
        for suite in live ready startup ''; do
            run docker exec "$name" wrapper test $suite </dev/null
            [ "$status" -eq 0 ] || { echo "with: $way: $suite"; echo "$output"; return 1; }
        done
        docker exec "$name" wrapper test image </dev/null
        docker rm --force "$name" >/dev/null
    done < <(ways)
}

# health_becomes STATE: waits for the event since $started, 60 s at most.
health_becomes() {
    local events code=0
    # Closed: the pipe that bats reads, whose end it waits for.
    exec {events}< <(exec timeout 60 docker events --since "$started" --filter "container=$name" --filter event=health_status 3>&-)
    grep -q -m1 "health_status: $1" <&"$events" || code=$?
    kill "$!" 2>/dev/null || true
    exec {events}<&-
    [ "$code" -eq 0 ] || { echo "did not become $1:"; docker inspect --format '{{json .State.Health}}' "$name"; return 1; }
}

@test "the health check runs the live suite, and its numbers hold together" {
    run docker image inspect --format '{{json .Config.Healthcheck}}' "$image"
    [ "$(jq -c .Test <<<"$output")" = '["CMD","/usr/bin/wrapper","test","live"]' ]
    [ "$(jq '.Timeout > 4e9 and .Timeout < .Interval and .Retries > 1' <<<"$output")" = true ]
}

@test "health: healthy while the app is alive, unhealthy when its live suite fails, healthy in maintenance" {
    mkdir "$BATS_TEST_TMPDIR/wrapper" "$BATS_TEST_TMPDIR/flag"
    printf '#!/bin/sh\nexec sleep 1000\n' >"$BATS_TEST_TMPDIR/wrapper/run"
    mkdir -p "$BATS_TEST_TMPDIR/wrapper/tests/live"
    printf '#!/bin/sh\n[ -e /flag/alive ] || { echo no sign of life; exit 1; }\n' >"$BATS_TEST_TMPDIR/wrapper/tests/live/50-flag.sh"
    chmod -R a+rX,a+x "$BATS_TEST_TMPDIR/wrapper"
    chmod 755 "$BATS_TEST_TMPDIR/flag"
    touch "$BATS_TEST_TMPDIR/flag/alive"
    started=$(date +%s.%N)
    # The image's own command, called more often.
    docker run --detach --name "$name" --health-interval 500ms --health-retries 2 --read-only --user 123456:234567 --cap-drop ALL \
        --volume "$BATS_TEST_TMPDIR/wrapper:/etc/wrapper:ro" --volume "$BATS_TEST_TMPDIR/flag:/flag:ro" "$image" >/dev/null
    health_becomes healthy
    rm "$BATS_TEST_TMPDIR/flag/alive"
    health_becomes unhealthy
    [[ $(docker inspect --format '{{json .State.Health.Log}}' "$name") == *"no sign of life"* ]]
    started=$(date +%s.%N)
    docker exec "$name" wrapper maintenance on
    health_becomes healthy
    [[ $(docker inspect --format '{{json .State.Health.Log}}' "$name") == *maintenance* ]]
}
