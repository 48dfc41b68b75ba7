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
    'test: command 1 is ./test.sh quick|s/run: .\/test.sh$/run: .\/test.sh quick/'
    'test: command 2 is ./test.sh [|s/test.sh full/test.sh/'
    'a skipped test is no failure|s/CI: "true"/CI: "false"/'
    'test: runs if|s/needs.check.result != .failure./true/'
    'test: needs None|s/^    needs: check$//'
    "images: needs ['check']|s/needs: \[check, test\]/needs: [check]/"
    "images: runs if|s/needs.test.result == 'success' }}/needs.test.result == 'success' || true }}/"
    'images: command 3 is scripts/sbom.sh|/run: scripts\/test-images.sh/d; /tee build\/ways.txt/d'
    'images: command 3 is scripts/test-images.sh|s/run: scripts\/test-images.sh.*/run: scripts\/test-images.sh || true/'
    'images: command 3 is scripts/test-images.sh root|s/test-images.sh /test-images.sh root /'
    'images: command 4 is ./dbuild.sh --list|/run: scripts\/sbom.sh/d'
    'images: keeps build/images.json, build/ways.txt, build/images|/^            build\/sbom/d'
    "images: command 2 is ./dbuild.sh --metadata build/images.json [github|s/^      - run: .\/dbuild.sh --meta.*/&\n        if: github.ref_type == 'tag'/"
    'check: command 1 is test -n|/^      - run: scripts\/publish-check.sh/d'
    'publish: command 3 is printf|/^      - run: scripts\/publish-check.sh/d'
    'publish: command 3 is scripts/publish-check.sh "$GITHUB_REF_NAME" [False]|s/^      - run: scripts\/publish-check.sh.*/&\n        if: false/'
    'publish: command 5 is ./dpush.sh --force|s/dpush.sh |/dpush.sh --force |/'
    'publish: command 6 is docker logout|/attach-sbom.sh/d'
    'publish: runs if|s/if: .*needs.check.result == .success. .*/if: always()/'
    'publish: a failure is no failure|s/^      - run: scripts\/publish-check.sh.*/&\n        continue-on-error: true/'
    'publish: keeps|s/path: build\/pushed.txt/path: build\/push.txt/'
    'nobody is asked before publishing|/environment: publish/d'
    'images: has secrets|s/^      SOURCE_URL: .*/      PASSWORD: ${{ secrets.REGISTRY_PASSWORD }}/'
    'images: a failure is lost in the pipe: scripts|/shell: bash/d'
    'images: a failure is lost in the pipe: ./dbuild|/shell: bash/d'
    'publish: a failure is lost in the pipe: ./dpush|/shell: bash/d'
    'no such script: scripts/test-image.sh|s/test-images.sh/test-image.sh/'
    'publish: a shallow clone|s/fetch-depth: 0/fetch-depth: 1/'
    'check: may hang for hours|/timeout-minutes: 5$/d'
    "publish: IMAGE_PREFIX is not the repository's variable|s/{{ vars.IMAGE_PREFIX }}/{{ github.repository }}/"
    'a host is named|s/IMAGE_PREFIX: .*/IMAGE_PREFIX: registry.example.com\//'
    'the jobs are check, test, images, publish, more|$a\  more:\n    runs-on: x\n    steps: []'
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
