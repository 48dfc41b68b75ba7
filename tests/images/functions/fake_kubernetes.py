"""A small API server over TLS, enough for curl and kubectl: pods, their owners, scale, secrets, access reviews, events.

It takes one bearer token, that in FAKE/token. What a watch brings: an object named `slow*` becomes ready, `leaving` is deleted, `coming`
appears when it is asked for a second time; the others never change. Nothing is kept: a patch is answered with the patched object.
"""

import base64
import copy
import json
import select
import ssl
import urllib.parse

from fake import FOLDER, Handler, serve

REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}
RESOURCES = {
    "v1": {"pods": "Pod", "secrets": "Secret", "events": "Event"},
    "apps/v1": {"statefulsets": "StatefulSet", "deployments": "Deployment", "daemonsets": "DaemonSet", "replicasets": "ReplicaSet"},
    "batch/v1": {"jobs": "Job", "cronjobs": "CronJob"},
}


def thing(version, kind, name, owner=None, **more):
    meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7", "generation": 2}
    if owner:
        meta["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "Extra", "name": "no-controller", "uid": "1"},
            {"apiVersion": "v1", "kind": owner.split("/")[0], "name": owner.split("/")[1], "uid": "2", "controller": True},
        ]
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def pod(name, owner=None, ready="True"):
    return thing("v1", "Pod", name, owner, spec={"nodeName": "node-7"}, status={"conditions": [{"type": "Ready", "status": ready}]})


def stateful(name, ready):
    done = 3 if ready else 2
    return thing("apps/v1", "StatefulSet", name, spec={"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}}, status={
        "observedGeneration": 2, "replicas": 3, "currentReplicas": done, "readyReplicas": done, "updatedReplicas": done, "availableReplicas": done,
        "currentRevision": "b" if ready else "a", "updateRevision": "b"})


SECRET = {"password": b"p'a\"s\\s \xc3\xa9", "binary": bytes(range(256)), "empty": b""}
OBJECTS = {
    "pods": [pod("db-0", "StatefulSet/db"), pod("web-x", "ReplicaSet/web-1"), pod("bare-x", "ReplicaSet/bare"), pod("nightly-x", "Job/nightly-1"), pod("naked"),
             pod("slow-0", ready="False"), pod("stuck-0", ready="False"), pod("leaving"), pod("odd", "Widget/odd")],
    "replicasets": [thing("apps/v1", "ReplicaSet", "web-1", "Deployment/web"), thing("apps/v1", "ReplicaSet", "bare")],
    "jobs": [thing("batch/v1", "Job", "nightly-1", "CronJob/nightly")],
    "statefulsets": [stateful("db", True), stateful("slow", False), stateful("stuck", False)],
    "secrets": [thing("v1", "Secret", "app", data={key: base64.b64encode(value).decode() for key, value in SECRET.items()})],
}
ALLOWED = [
    {"namespace": "shop", "verb": "get", "resource": "pods"},
    {"namespace": "shop", "verb": "patch", "group": "apps", "resource": "statefulsets", "subresource": "scale", "name": "db"},
]
def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merged(target.get(key), value)
    return target


class Kubernetes(Handler):
    server_name = "kubernetes"

    def respond(self):
        with open(f"{FOLDER}/token", encoding="utf-8") as file:
            if self.headers.get("Authorization") != f"Bearer {file.read()}":
                return self.refuse(401)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.strip("/").split("/")
        if self.command == "GET" and self.discovery(parts):
            return None
        if self.command == "POST":
            return self.create(parts, json.loads(self.body))
        version = "v1" if parts[0] == "api" else "/".join(parts[1:3])
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        if parts == ["namespaces", "shop"]:  # kubectl asks after a 404 whether the namespace is there at all
            return self.send({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        if parts[:2] != ["namespaces", "shop"] or len(parts) < 3 or parts[2] not in RESOURCES.get(version, {}):
            return self.refuse(404)
        kind, rest = parts[2], parts[3:]
        if not rest:
            return self.list(version, kind, query)
        found = [object for object in OBJECTS.get(kind, []) if object["metadata"]["name"] == rest[0]]
        if rest[0] == "coming" and self.asked_before():
            found = [pod("coming")]
        if not found:
            return self.refuse(404, f'{kind} "{rest[0]}" not found')
        if self.command == "PATCH":
            patch = json.loads(self.body)
            if self.headers["Content-Type"] == "application/json-patch+json":
                patch = {}
            if rest[1:] == ["scale"]:
                return self.send({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": rest[0], "namespace": "shop"},
                    "spec": {key: value for key, value in patch["spec"].items() if value}, "status": {"replicas": 3}})
            return self.send(merged(found[0], patch))
        return self.send(found[0])

    def asked_before(self):
        """Does `requests`, which the test empties, hold this path already? This request is its last line."""
        with open(f"{FOLDER}/requests", encoding="utf-8") as file:
            return sum(json.loads(line)["path"] == self.path for line in file) > 1

    def discovery(self, parts):
        resources = lambda version: {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [
            {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list", "watch", "patch"]} for name, kind in RESOURCES[version].items()]}
        groups = [version for version in RESOURCES if "/" in version]
        answers = {
            ("api",): {"kind": "APIVersions", "versions": ["v1"]},
            ("apis",): {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
                {"name": each.split("/")[0], "versions": [{"groupVersion": each, "version": "v1"}], "preferredVersion": {"groupVersion": each, "version": "v1"}} for each in groups]},
            ("api", "v1"): resources("v1"),
            **{("apis", *each.split("/")): resources(each) for each in groups},
        }
        if tuple(parts) in answers:
            self.send(answers[tuple(parts)])
            return True
        return False

    def create(self, parts, body):
        if parts[-1] == "selfsubjectaccessreviews":
            self.send({**body, "status": {"allowed": body["spec"]["resourceAttributes"] in ALLOWED}}, 201)
        elif parts[-1] == "events":
            body["metadata"]["name"] = body["metadata"].pop("generateName") + "17"
            self.send(body, 201)
        else:
            self.refuse(404)

    def list(self, version, kind, query):
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        found = [object for object in OBJECTS.get(kind, []) if name in ("", object["metadata"]["name"])]
        if query.get("watch") not in ("true", "1"):
            return self.send({"apiVersion": version, "kind": RESOURCES[version][kind] + "List", "metadata": {"resourceVersion": "7"}, "items": found})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event, object in self.changes(name, found):
            object["metadata"]["resourceVersion"] = "8"
            line = (json.dumps({"type": event, "object": object}) + "\n").encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
        select.select([self.connection], [], [], 60)
        self.close_connection = True
        return None

    @staticmethod
    def changes(name, found):
        if name == "slow":
            return [("MODIFIED", stateful(name, True))]
        if name == "slow-0":
            return [("MODIFIED", pod(name))]
        if name == "leaving":
            return [("DELETED", copy.deepcopy(found[0]))]
        return []

    def send(self, object, code=200):
        self.answer(code, json.dumps(object), "application/json")

    def refuse(self, code, message=None):
        message = message or f"the fake says {REASONS[code]}"
        self.send({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": REASONS[code], "code": code}, code)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{FOLDER}/server.pem")
serve("10.96.0.1", 443, Kubernetes, context)
open(f"{FOLDER}/kubernetes-ready", "w", encoding="utf-8").close()
