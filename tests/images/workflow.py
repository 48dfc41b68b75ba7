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


def runs(job):
    """The commands of a job, in order, each with its condition."""
    return [(step["run"], str(step.get("if", ""))) for step in job["steps"] if "run" in step]


def position(job, start):
    """Where the first command that starts so stands, or None."""
    return next((n for n, (command, _) in enumerate(runs(job)) if command.startswith(start)), None)


tests = runs(jobs["test"])
check(("./test.sh", "github.event_name != 'schedule'") in tests, "./test.sh does not run on a push")
check(("./test.sh full", "github.event_name == 'schedule'") in tests, "./test.sh full does not run at night")
check(jobs["test"]["env"].get("CI") == "true", "a skipped test is no failure")

images = jobs["images"]
needs = images["needs"]
check("test" in needs and "needs.test.result == 'success'" in images["if"], "the images do not wait for the tests")
order = ["./dbuild.sh", "scripts/test-images.sh", "scripts/sbom.sh", "scripts/publish-check.sh", "printf", "./dpush.sh", "docker logout"]
places = [position(images, start) for start in order]
check(None not in places and places == sorted(places), f"not in this order: {' '.join(order)}")
for start in ("./dbuild.sh", "scripts/test-images.sh", "scripts/sbom.sh"):
    check(all(not condition for command, condition in runs(images) if command.startswith(start)), f"{start} is conditional")

kept = " ".join(str(step.get("with", {}).get("path", "")) for step in images["steps"])
check(all(path in kept for path in ("build/images.json", "build/sbom", "build/ways.txt", "build/pushed.txt")), "not everything is kept")

publishing = re.compile(r"dpush|retag|docker (login|push)|skopeo (copy|sync)|podman (login|push)|REGISTRY_PASSWORD|secrets\.")
for name, job in jobs.items():
    decided = False
    for step in job["steps"]:
        command, condition = step.get("run", ""), str(step.get("if", ""))
        if command == 'scripts/publish-check.sh "$GITHUB_REF_NAME"':
            decided = True
            check("continue-on-error" not in step, f"{name}: the decision is not heeded")
        elif publishing.search(command) or publishing.search(str(step.get("env", ""))):
            check(decided, f"{name}: publishes before the decision: {command}")
            check(condition == "github.ref_type == 'tag'", f"{name}: publishes without a tag: {command}")
        # A pipe gives the exit code of its last command, unless the shell is named: then GitHub adds pipefail.
        if "|" in command and "tee" in command:
            check(step.get("shell") == "bash", f"{name}: a failure is lost in the pipe: {command}")
        for script in re.findall(r"(?:^|\s)((?:\./|scripts/)[\w/-]+\.sh)", command):
            check(os.access(os.path.join(root, script), os.X_OK), f"{name}: no such script: {script}")
        if step.get("uses", "").startswith("actions/checkout@"):
            check(step.get("with", {}).get("fetch-depth") == 0, f"{name}: a shallow clone")
    check("continue-on-error" not in job, f"{name}: a failure is no failure")
    check(job.get("timeout-minutes"), f"{name}: may hang for hours")
    check("publish-check" not in str(job) or position(job, "scripts/publish-check.sh") is not None, f"{name}: no decision")

check(images["env"]["IMAGE_PREFIX"] == "${{ vars.IMAGE_PREFIX }}", "IMAGE_PREFIX is not the repository's variable")
check(not re.search(r"[\w-]+\.(?:io|com|net|org|dev|cloud)\b", re.sub(r"github\.com/actions", "", text)), "a host is named")

print("\n".join(faults))
sys.exit(bool(faults))
