"""examples/kubernetes: what kubectl makes of each folder, and its containers of culvert, started as the kubelet would."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import harness
import isolate
from testbed import Host, Program

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/kubernetes"
FOLDERS = ("base", "sidecar", "node", "fleet")
# The addresses that the files name.
POD, NODE, STRANGER = "10.244.1.7", "192.168.0.9", "203.0.113.9"
USER = 65532


def setUpModule():
    global rendered
    # The testbed lays Debian's package below /usr, so it is not there before.
    sys.path.append("/usr/lib/python3/dist-packages")
    import yaml

    rendered = {}
    for folder in FOLDERS:
        done = subprocess.run(["kubectl", "kustomize", EXAMPLE / folder], capture_output=True, text=True, timeout=60, check=True)
        rendered[folder] = list(yaml.safe_load_all(done.stdout))


def objects(folder, *kinds):
    return [one for one in rendered[folder] if one["kind"] in kinds]


def workload(folder):
    """The one that has pods."""
    (found,) = objects(folder, "Deployment", "DaemonSet", "StatefulSet")
    return found


def pod(folder):
    return workload(folder)["spec"]["template"]["spec"]


def culvert_of(folder):
    """Its container."""
    spec = pod(folder)
    (found,) = (one for one in spec["containers"] + spec.get("initContainers", []) if one["image"].startswith("culvert/culvert:"))
    return found


def option(container, name):
    return [argument.partition("=")[2] for argument in container["args"] if argument.startswith(f"--{name}=")]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def each_folder(test):
    def wrapped(self):
        for folder in FOLDERS[1:]:
            with self.subTest(folder):
                test(self, folder)

    return wrapped


class Schemas(unittest.TestCase):
    """Published ones, which scripts/peers takes from npm."""

    FOLDER = pathlib.Path(os.environ.get("CULVERT_PEERS", "")).resolve() / "kubernetes/node_modules"
    VERSIONS = ("1.33", "1.36")

    def complaints(self, objects, version):
        program = [shutil.which("newest-node") or "node", EXAMPLE.parents[1] / "tests/kubernetes/validate.mjs"]
        done = subprocess.run(
            [*program, self.FOLDER / f"kubernetes-{version}"], input=json.dumps(objects), capture_output=True, text=True, timeout=60, check=False)
        if not re.search(r"^\d+ read, \d+ bad$", done.stdout, re.MULTILINE):
            raise AssertionError(done.stdout + done.stderr)
        return done.stdout.splitlines()[:-1]

    @unittest.skipUnless(FOLDER.is_dir() or os.environ.get("CI") == "true", "SKIP: scripts/peers found no npm")
    def test_two_versions_of_kubernetes(self):
        every = [one for folder in FOLDERS[1:] for one in rendered[folder]]
        (deployment,) = objects("fleet", "Deployment")
        wrong = copy.deepcopy(deployment)
        wrong["spec"]["replicas"] = "three"
        wrong["spec"]["template"]["spec"]["containers"][0]["lifecycle"] = {"preStop": {"slep": {}}}
        for version in self.VERSIONS:
            with self.subTest(version):
                self.assertEqual(self.complaints(every, version), [])
                said = "\n".join(self.complaints([wrong], version))
                self.assertIn("/spec/replicas type", said)
                self.assertIn("/lifecycle/preStop/slep is no field of it", said)


class Manifests(unittest.TestCase):
    @each_folder
    def test_a_pod_has_time_to_drain(self, folder):
        container = culvert_of(folder)
        (drain,) = option(container, "drain-timeout")
        waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        self.assertGreater(pod(folder)["terminationGracePeriodSeconds"], waits + seconds(drain))

    @each_folder
    def test_rights(self, folder):
        spec = pod(folder)
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertFalse(spec["automountServiceAccountToken"])
        for container in spec["containers"] + spec.get("initContainers", []):
            rights = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            self.assertEqual(container["securityContext"], rights)
            self.assertIn("memory", container["resources"]["limits"])

    @each_folder
    def test_what_is_named_is_there(self, folder):
        spec, labels = pod(folder), workload(folder)["spec"]["template"]["metadata"]["labels"]
        claims = workload(folder)["spec"].get("volumeClaimTemplates", [])
        volumes = {one["name"]: one for one in spec["volumes"] + [claim["metadata"] for claim in claims]}
        ports = set()
        for container in spec["containers"] + spec.get("initContainers", []):
            self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, set(volumes))
            ports |= {(port["name"], port["containerPort"]) for port in container.get("ports", [])}
        (made,) = (one["metadata"]["name"] for one in objects(folder, "ConfigMap"))
        self.assertEqual(volumes["culvert"]["configMap"]["name"], made)
        self.assertIn(spec["serviceAccountName"], [one["metadata"]["name"] for one in objects(folder, "ServiceAccount")])
        self.assertEqual(workload(folder)["spec"]["selector"]["matchLabels"], labels)
        for service in objects(folder, "Service"):
            self.assertEqual(service["spec"]["selector"], labels)
            self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, {name for name, _ in ports})
        for policy in objects(folder, "NetworkPolicy", "PodDisruptionBudget"):
            selector = policy["spec"].get("podSelector") or policy["spec"]["selector"]
            self.assertEqual(selector["matchLabels"], labels)
            allowed = {port["port"] for rule in policy["spec"].get("ingress", []) for port in rule["ports"]}
            self.assertLessEqual(allowed, {number for _, number in ports})
        # Ports that are declared are those that culvert or the registry listens on.
        container = culvert_of(folder)
        listened = {int(re.search(r":(\d+)(\?|$)", address).group(1)) for address in option(container, "listen") + option(container, "admin")}
        self.assertLessEqual({port["containerPort"] for port in container.get("ports", [])}, listened)
        # What Prometheus is told is a port of the pod's address, with metrics alone, and a policy lets it in.
        annotations = workload(folder)["spec"]["template"]["metadata"]["annotations"]
        port = annotations["prometheus.io/port"]
        self.assertEqual((annotations["prometheus.io/scrape"], annotations["prometheus.io/path"]), ("true", "/metrics"))
        self.assertIn(f"0.0.0.0:{port}?metrics-only=on", option(container, "admin"))
        self.assertIn(("admin", int(port)), ports)
        for policy in objects(folder, "NetworkPolicy"):
            monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
            self.assertIn({"from": [monitoring], "ports": [{"port": int(port)}]}, policy["spec"]["ingress"])

    def test_no_proxy_is_the_same_for_containerd_and_culvert(self):
        drop_in = (EXAMPLE / "node/http-proxy.conf").read_text(encoding="utf-8")
        named = set(re.search("^Environment=NO_PROXY=(.*)$", drop_in, re.MULTILINE).group(1).split(","))
        (configuration,) = (one["data"]["culvert.toml"] for one in objects("node", "ConfigMap"))
        self.assertEqual(named - {"localhost", "127.0.0.1"}, set(re.search('^no-proxy = "(.*)"$', configuration, re.MULTILINE).group(1).split(",")))


class Started(unittest.TestCase):
    """As the user, with the files and the addresses that a pod has."""

    @each_folder
    def test_the_probes_pass_and_strangers_do_not(self, folder):
        host = Host(folder, "127.0.0.53")
        host.ip("link set lo up", *(f"address add {address}/32 dev lo" for address in (POD, NODE, STRANGER)))
        (configuration,) = (one["data"]["culvert.toml"] for one in objects(folder, "ConfigMap"))
        for name, text in (("culvert/culvert.toml", configuration), ("upstream/password", "hush\n")):
            os.makedirs(os.path.dirname(f"/etc/{name}"), exist_ok=True)
            isolate.write(f"/etc/{name}", text, 0o440)
            os.chown(f"/etc/{name}", 0, USER)
        container = culvert_of(folder)
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
        culvert = Program("culvert", host, [*user, os.environ["CULVERT"], *container["args"]])
        self.addCleanup(culvert.kill)
        culvert.start()
        culvert.wait_until(lambda: "listening on" in culvert.output())
        names = {port["name"]: port["containerPort"] for port in container.get("ports", [])}

        def status(path, port, address=POD, source=NODE):
            bound = [] if address.startswith("127.") else ["--interface", source]
            return host.run("curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", *bound, f"http://{address}:{port}{path}").stdout

        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if get := container.get(kind, {}).get("httpGet"):
                port = names.get(get["port"], get["port"])
                self.assertEqual(status(get["path"], port, get.get("host", POD)), "200", kind)
        scraping = (POD, NODE) if folder == "node" else (POD,)
        for source in (POD, NODE, STRANGER):
            expected = "200" if source in scraping else "403"
            self.assertEqual(status("/metrics", names["admin"], source=source), expected, source)
        for path in ("/", "/api/v1/status"):
            self.assertEqual(status(path, names["admin"], source=POD), "404")
        for address in option(container, "admin")[1:]:
            self.assertEqual(status("/", *reversed(address.split(":"))), "200")
        culvert.signal(15)
        self.assertEqual(culvert.wait(20), 0)
        self.assertNotIn("hush", culvert.output())
        self.assertNotIn('"warning"', culvert.output())


if __name__ == "__main__":
    harness.main()
