#!/usr/bin/python3
"""The essentials of .github/workflows/ci.yml: what it tests, when it publishes, and that nothing publishes without the decision.

Usage: workflow.py FILE    (prints each fault on a line; exit code 1 when there is one)
"""
import itertools
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
ALWAYS = "${{ !cancelled() }}"
CHECKOUT = ("actions/checkout@v4", "", {"fetch-depth": 0})
DECISION = ('scripts/publish-check.sh "$GITHUB_REF_NAME"', "")


def upload(name, path, condition, **more):
    return ("actions/upload-artifact@v4", condition, {"name": name, "overwrite": True, "path": path, **more})


def download(name):
    return ("actions/download-artifact@v4", "", {"name": name, "path": "build"})


# Each job: when it runs, what it waits for, and its steps in order, each with its condition. Exact, since one word more (`|| true`,
# `--force`, `false`) is enough to publish what was not tested.
JOBS = {
    "check": (TAG, None, [
        CHECKOUT,
        ('scripts/publish-check.sh --prefix "$IMAGE_PREFIX" "$GITHUB_REF_NAME"', ""),
    ]),
    "test": ("${{ !cancelled() && needs.check.result != 'failure' }}", "check", [
        CHECKOUT,
        ("./test.sh", "github.event_name != 'schedule'"),
        ("./test.sh full", "github.event_name == 'schedule'"),
    ]),
    "images": ("${{ !cancelled() && needs.test.result == 'success' }}", ["check", "test"], [
        CHECKOUT,
        ("scripts/setup.sh test", ""),
        ("./dbuild.sh --metadata build/images.json", ""),
        ("scripts/test-images.sh | tee build/ways.txt", ""),
        ("scripts/sbom.sh", ""),
        upload("images", "build/images.json\nbuild/ways.txt\nbuild/sbom\n", ALWAYS),
        ("./dbuild.sh --list | awk '{ print $2 }' | xargs docker save | zstd >build/images.tar.zst", TAG),
        upload("layers", "build/images.tar.zst", TAG, **{"compression-level": 0, "retention-days": 30}),
    ]),
    "publish": ("${{ " + TAG + " && needs.check.result == 'success' && needs.images.result == 'success' }}", ["check", "images"], [
        CHECKOUT,
        ("scripts/setup.sh publish", ""),
        download("layers"),
        download("images"),
        ("zstd --decompress --stdout build/images.tar.zst | docker load", ""),
        DECISION,
        ('printf \'%s\' "$REGISTRY_PASSWORD" | docker login --username "$REGISTRY_USER" --password-stdin "${IMAGE_PREFIX%%/*}"', ""),
        ("./dpush.sh | tee build/pushed.txt", ""),
        ("scripts/attach-sbom.sh build/pushed.txt", ""),
        ('docker logout "${IMAGE_PREFIX%%/*}"', "${{ always() }}"),
        upload("pushed", "build/pushed.txt", ALWAYS),
    ]),
}


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
check(workflow.get("concurrency", {}).get("cancel-in-progress") == "${{ github.ref_type != 'tag' }}", "what publishes may be cut off")
check(workflow.get("permissions") == {"contents": "read"}, "the jobs may do more than read")
check(list(jobs) == list(JOBS), f"the jobs are {', '.join(jobs)}")

for name, (condition, needs, wanted) in JOBS.items():
    job = jobs.get(name, {"steps": []})
    steps = job["steps"]
    found = [(step.get("run") or step.get("uses"), str(step.get("if", "")), *([step["with"]] if "with" in step else [])) for step in steps]
    check(job.get("if") == condition, f"{name}: runs if {job.get('if')}")
    check(job.get("needs") == needs, f"{name}: needs {job.get('needs')}")
    for number, (was, want) in enumerate(itertools.zip_longest(found, wanted), 1):
        if was != want:
            faults.append(f"{name}: step {number} is {was}, not {want}")
            break
    check("secrets." not in str(job) or name == "publish", f"{name}: has secrets")
    check("continue-on-error" not in str(job), f"{name}: a failure is no failure")
    check(job.get("timeout-minutes"), f"{name}: may hang for hours")
    for step in steps:
        command = step.get("run", "")
        # A pipe gives the exit code of its last command, unless the shell is named: then GitHub adds pipefail.
        check(not re.search(r"\| (tee|docker load|xargs)", command) or step.get("shell") == "bash", f"{name}: a failure is lost in the pipe: {command}")
        for script in re.findall(r"(?:^|\s)((?:\./|scripts/)[\w/-]+\.sh)", command):
            check(os.access(os.path.join(root, script), os.X_OK), f"{name}: no such script: {script}")

check(jobs["test"].get("env", {}).get("CI") == "true", "a skipped test is no failure")
check(jobs.get("publish", {}).get("environment") == "publish", "nobody is asked before publishing")
for name in ("images", "publish"):
    check(jobs.get(name, {}).get("env", {}).get("IMAGE_PREFIX") == "${{ vars.IMAGE_PREFIX }}", f"{name}: IMAGE_PREFIX is not the repository's variable")
check(any("vars.IMAGE_PREFIX" in str(step) for step in jobs["check"]["steps"]), "check: IMAGE_PREFIX is not looked at")
check(not re.search(r"[\w-]+\.(?:io|com|net|org|dev|cloud)\b", re.sub(r"github\.com/actions", "", text)), "a host is named")

print("\n".join(faults))
sys.exit(bool(faults))
