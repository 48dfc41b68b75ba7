#!/usr/bin/env bats
# The CI workflow has what it must have (workflow.py), and each of these is missed when it is taken away.
# shellcheck disable=SC2016  # sed's dollars and the workflow's

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
    'what publishes may be cut off|s/cancel-in-progress: .*/cancel-in-progress: true/'
    'the jobs may do more than read|s/contents: read/contents: write/'
    'the jobs are check, test, images, publish, more|$a\  more:\n    runs-on: x\n    steps: []'
    'check: step 2 is None|/^      - run: scripts\/publish-check.sh --prefix/d'
    'check: may hang for hours|/timeout-minutes: 5$/d'
    'check: IMAGE_PREFIX is not looked at|0,/vars.IMAGE_PREFIX/ s/{{ vars.IMAGE_PREFIX }}/{{ github.repository }}/'
    'test: step 2 is|s/run: .\/test.sh$/run: .\/test.sh quick/'
    'test: step 3 is|s/test.sh full/test.sh/'
    'a skipped test is no failure|s/CI: "true"/CI: "false"/'
    'test: runs if|s/needs.check.result != .failure./true/'
    'test: needs None|s/^    needs: check$//'
    "images: needs ['check']|s/needs: \[check, test\]/needs: [check]/"
    "images: runs if|s/needs.test.result == 'success' }}/needs.test.result == 'success' || true }}/"
    'images: step 3 is|s/^      - run: .\/dbuild.sh --meta.*/&\n        if: github.ref_type == 1/'
    'images: step 4 is|/run: scripts\/test-images.sh/d; /tee build\/ways.txt/d'
    'images: step 4 is|s/run: scripts\/test-images.sh.*/run: scripts\/test-images.sh || true/'
    'images: step 4 is|s/test-images.sh /test-images.sh root /'
    'images: step 5 is|/run: scripts\/sbom.sh/d'
    'images: step 6 is|/^            build\/sbom/d'
    'images: step 6 is|/overwrite: true/d'
    'images: step 8 is|s/name: layers/name: layer/'
    'images: step 8 is|/retention-days/d'
    'images: a failure is lost in the pipe: scripts|/shell: bash/d'
    'images: a failure is lost in the pipe: ./dbuild|/shell: bash/d'
    'images: has secrets|s/^      SOURCE_URL: .*/      PASSWORD: ${{ secrets.REGISTRY_PASSWORD }}/'
    'publish: step 1 is|s/fetch-depth: 0/fetch-depth: 1/'
    'publish: step 3 is|/uses: actions\/download-artifact/,+3d'
    'publish: step 3 is|s/download-artifact@v4/download-artifact@v3/'
    'publish: step 4 is|/download-artifact/,/path/ s/name: images/name: image/'
    'publish: step 6 is|/^      - run: scripts\/publish-check.sh "/d'
    'publish: step 6 is|s/^      - run: scripts\/publish-check.sh ".*/&\n        if: false/'
    'publish: a failure is no failure|s/^      - run: scripts\/publish-check.sh ".*/&\n        continue-on-error: true/'
    'publish: step 8 is|s/dpush.sh |/dpush.sh --force |/'
    'publish: step 9 is|/attach-sbom.sh/d'
    'publish: step 11 is|s/path: build\/pushed.txt/path: build\/push.txt/'
    'publish: runs if|s/if: .*needs.check.result == .success. .*/if: always()/'
    'nobody is asked before publishing|/environment: publish/d'
    'publish: a failure is lost in the pipe: ./dpush|/shell: bash/d'
    "publish: IMAGE_PREFIX is not the repository's variable|s/{{ vars.IMAGE_PREFIX }}/{{ github.repository }}/"
    'no such script: scripts/test-image.sh|s/test-images.sh/test-image.sh/'
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
