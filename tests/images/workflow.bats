#!/usr/bin/env bats
# The CI workflow has what it must have (workflow.py), and each of these is missed when it is taken away.

bats_require_minimum_version 1.5.0

setup() {
    load common
    workflow=$REPO/.github/workflows/ci.yml
}

@test "the workflow has the essentials" {
    run "$REPO/tests/images/workflow.py" "$workflow"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# Each row: the words of the fault, and the edit that makes it.
edits=(
    'not every branch is tested|s/\["\*\*"\]/["master"]/'
    "a version's tag starts nothing|s/tags: .*/tags: [\"release\"]/"
    'pull requests are not tested|/^  pull_request:/d'
    'nothing runs every night|/schedule:/d; /cron:/d'
    'the jobs may do more than read|s/contents: read/contents: write/'
    './test.sh does not run on a push|s/run: .\/test.sh$/run: .\/test.sh quick/'
    './test.sh full does not run at night|s/test.sh full/test.sh/'
    'a skipped test is no failure|s/CI: "true"/CI: "false"/'
    'the images do not wait for the tests|s/needs: \[check, test\]/needs: [check]/'
    'not in this order|/run: scripts\/test-images.sh/d; /tee build\/ways.txt/d'
    'not in this order|/run: scripts\/sbom.sh/d'
    'not everything is kept|/^            build\/sbom/d'
    './dbuild.sh is conditional|s/^      - run: .\/dbuild.sh.*/&\n        if: github.ref_type == '"'tag'"'/'
    'publishes before the decision|/^      - run: scripts\/publish-check.sh/d'
    'publishes without a tag|/dpush.sh/,/shell/ s/^        if:.*/        if: always()/'
    'the decision is not heeded|s/^      - run: scripts\/publish-check.sh.*/&\n        continue-on-error: true/'
    'a failure is lost in the pipe|/shell: bash/d'
    'no such script: scripts/test-image.sh|s/test-images.sh/test-image.sh/'
    'a shallow clone|s/fetch-depth: 0/fetch-depth: 1/'
    'may hang for hours|/timeout-minutes: 5$/d'
    "IMAGE_PREFIX is not the repository's variable|s/{{ vars.IMAGE_PREFIX }}/{{ github.repository }}/"
    'a host is named|s/IMAGE_PREFIX: .*/IMAGE_PREFIX: registry.example.com\//'
)

@test "each of them is missed when it is taken away" {
    failed=0
    for row in "${edits[@]}"; do
        sed "${row#*|}" "$workflow" >"$BATS_TEST_TMPDIR/ci.yml"
        if cmp -s "$workflow" "$BATS_TEST_TMPDIR/ci.yml"; then echo "the edit changes nothing: $row"; failed=1; fi
        run "$REPO/tests/images/workflow.py" "$BATS_TEST_TMPDIR/ci.yml"
        if [ "$status" -ne 1 ] || [[ $output != *"${row%%|*}"* ]]; then echo "not missed: ${row%%|*}; said: $output"; failed=1; fi
    done
    [ $failed -eq 0 ]
}
