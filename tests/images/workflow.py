#!/usr/bin/python3
"""The essentials of .github/workflows/ci.yml: what it tests, when it publishes, and that nothing publishes without the decision.

Usage: workflow.py FILE    (prints each fault on a line; exit code 1 when there is one)
"""
import os
import re
import sys

import yaml

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    text = file.read()
workflow = yaml.safe_load(text)
root = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
faults = []

TAG = "github.ref_type == 'tag'"
DECISION = 'scripts/publish-check.sh "$GITHUB_REF_NAME"'
# Each job: when it runs, and its commands in order, each with its condition. Exact, since one word more (`|| true`, `--force`,
# `false`) is enough to publish what was not tested.
JOBS = {
    "check": (TAG, [
        (DECISION, ""),
        ('test -n "$IMAGE_PREFIX" || { echo "::error::the variable IMAGE_PREFIX is not set, see docs/publishing.md"; exit 1; }', ""),
    ]),
    "test": ("${{ !cancelled() && needs.check.result != 'failure' }}", [
        ("./test.sh", "github.event_name != 'schedule'"),
        ("./test.sh full", "github.event_name == 'schedule'"),
    ]),
    "images": ("${{ !cancelled() && needs.test.result == 'success' }}", [
        ("scripts/setup.sh test", ""),
        ("./dbuild.sh --metadata build/images.json", ""),
        ("scripts/test-images.sh | tee build/ways.txt", ""),
        ("scripts/sbom.sh", ""),
        ("./dbuild.sh --list | awk '{ print $2 }' | xargs docker save | zstd >build/images.tar.zst", TAG),
    ]),
    "publish": ("${{ " + TAG + " && needs.check.result == 'success' && needs.images.result == 'success' }}", [
        ("scripts/setup.sh publish", ""),
        ("zstd --decompress --stdout build/images.tar.zst | docker load", ""),
        (DECISION, ""),
        ('printf \'%s\' "$REGISTRY_PASSWORD" | docker login --username "$REGISTRY_USER" --password-stdin "${IMAGE_PREFIX%%/*}"', ""),
        ("./dpush.sh | tee build/pushed.txt", ""),
        ("scripts/attach-sbom.sh build/pushed.txt", ""),
        ('docker logout "${IMAGE_PREFIX%%/*}"', "${{ always() }}"),
    ]),
}
NEEDS = {"check": None, "test": "check", "images": ["check", "test"], "publish": ["check", "images"]}
KEPT = {"images": ["build/images.json", "build/ways.txt", "build/sbom", "build/images.tar.zst"], "publish": ["build/pushed.txt"]}


def check(holds, fault):
    if not holds:
        faults.append(fault)


# YAML 1.1 reads the key `on` as true.
on = workflow[True]
jobs = workflow["jobs"]
check("**" in on["push"]["branches"], "not every branch is tested")
check(any(pattern.startswith("[0-9]") for pattern in on["push"]["tags"]), "a version's tag starts nothing")
check("pull_request" in on, "pull requests are not tested")
check(any(entry.get("cron") for entry in on.get("schedule", [])), "nothing runs every night")
check(workflow.get("permissions") == {"contents": "read"}, "the jobs may do more than read")
check(list(jobs) == list(JOBS), f"the jobs are {', '.join(jobs)}")

for name, (condition, commands) in JOBS.items():
    job = jobs.get(name, {"steps": []})
    steps = job["steps"]
    found = [(step["run"], str(step.get("if", ""))) for step in steps if "run" in step]
    check(job.get("if") == condition, f"{name}: runs if {job.get('if')}")
    check(job.get("needs") == NEEDS[name], f"{name}: needs {job.get('needs')}")
    for number in range(max(len(found), len(commands))):
        was, wanted = (part[number] if number < len(part) else ("nothing", "") for part in (found, commands))
        if was != wanted:
            faults.append(f"{name}: command {number + 1} is {was[0]} [{was[1]}], not {wanted[0]} [{wanted[1]}]")
            break
    kept = [line for step in steps for line in str(step.get("with", {}).get("path", "")).splitlines() if "upload" in step.get("uses", "")]
    check(kept == KEPT.get(name, []), f"{name}: keeps {', '.join(kept)}")
    check("secrets." not in str(job) or name == "publish", f"{name}: has secrets")
    check("continue-on-error" not in str(job), f"{name}: a failure is no failure")
    check(job.get("timeout-minutes"), f"{name}: may hang for hours")
    for step in steps:
        command = step.get("run", "")
        # A pipe gives the exit code of its last command, unless the shell is named: then GitHub adds pipefail.
        check(not re.search(r"\| (tee|docker load|xargs)", command) or step.get("shell") == "bash", f"{name}: a failure is lost in the pipe: {command}")
        for script in re.findall(r"(?:^|\s)((?:\./|scripts/)[\w/-]+\.sh)", command):
            check(os.access(os.path.join(root, script), os.X_OK), f"{name}: no such script: {script}")
        if step.get("uses", "").startswith("actions/checkout@"):
            check(step.get("with", {}).get("fetch-depth") == 0, f"{name}: a shallow clone")

check(jobs["test"].get("env", {}).get("CI") == "true", "a skipped test is no failure")
check(jobs.get("publish", {}).get("environment") == "publish", "nobody is asked before publishing")
for name in ("images", "publish"):
    check(jobs.get(name, {}).get("env", {}).get("IMAGE_PREFIX") == "${{ vars.IMAGE_PREFIX }}", f"{name}: IMAGE_PREFIX is not the repository's variable")
check(not re.search(r"[\w-]+\.(?:io|com|net|org|dev|cloud)\b", re.sub(r"github\.com/actions", "", text)), "a host is named")

print("\n".join(faults))
sys.exit(bool(faults))
