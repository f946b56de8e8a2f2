"""A certificate authority of the test's own, made with the openssl command."""

import os
import subprocess

from isolate import STATE


class Authority:
    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(STATE, "certs", name)
        os.makedirs(self.folder)
        self.certificate = os.path.join(self.folder, "ca.crt")
        self._key = os.path.join(self.folder, "ca.key")
        self._request(f"/CN={name}", self._key, self.certificate, "-addext", "basicConstraints=critical,CA:TRUE")

    def issue(self, name, *alternatives):
        """Returns the paths of a certificate for the names, each as DNS:name or IP:address, and of its key."""
        certificate = os.path.join(self.folder, f"{name}.crt")
        key = os.path.join(self.folder, f"{name}.key")
        self._request(
            f"/CN={name}", key, certificate, "-CA", self.certificate, "-CAkey", self._key,
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=" + ",".join(alternatives),
        )
        # Peers read their key as a user of their own.
        os.chmod(key, 0o644)
        return certificate, key

    @staticmethod
    def _request(subject, key, certificate, *more):
        # An empty configuration, or the machine's own openssl.cnf would add its extensions a second time.
        config = os.path.join(STATE, "certs", "openssl.cnf")
        if not os.path.exists(config):
            with open(config, "w", encoding="utf-8") as file:
                file.write("[req]\ndistinguished_name = name\n[name]\n")
        subprocess.run(
            ["openssl", "req", "-config", config, "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "30", "-subj", subject, "-keyout", key, "-out", certificate, *more],
            check=True, capture_output=True,
        )
