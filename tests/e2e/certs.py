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
        self._request(f"/CN={name}", self._key, self.certificate, "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                      # Python 3.13 wants it.
                      "keyUsage=critical,keyCertSign,cRLSign")

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

    def issue_for(self, name, first, last, *alternatives):
        """The same, valid from one time to the other, both as 20200131000000Z."""
        certificate, key = self.issue(name, *alternatives)
        request, extensions = f"{certificate}.request", f"{certificate}.extensions"
        settings = os.path.join(self.folder, "ca.cnf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(
                f"[ca]\ndefault_ca = this\n[this]\nnew_certs_dir = {self.folder}\ndatabase = {self.folder}/ca.index\nrand_serial = yes\n"
                "default_md = sha256\nunique_subject = no\npolicy = any\n[any]\ncommonName = supplied\n"
            )
        with open(f"{self.folder}/ca.index", "a", encoding="utf-8"):
            pass
        with open(extensions, "w", encoding="utf-8") as file:
            file.write("basicConstraints=critical,CA:FALSE\nsubjectAltName=" + ",".join(alternatives) + "\n")
        for command in (
            ["req", "-config", self._empty_settings(), "-new", "-key", key, "-subj", f"/CN={name}", "-out", request],
            ["ca", "-config", settings, "-batch", "-notext", "-in", request, "-out", certificate, "-cert", self.certificate,
             "-keyfile", self._key, "-extfile", extensions, "-startdate", first, "-enddate", last],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        return certificate, key

    @staticmethod
    def _empty_settings():
        """Or the machine's own openssl.cnf would add its extensions a second time."""
        path = os.path.join(STATE, "certs", "openssl.cnf")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write("[req]\ndistinguished_name = name\n[name]\n")
        return path

    @classmethod
    def _request(cls, subject, key, certificate, *more):
        subprocess.run(
            ["openssl", "req", "-config", cls._empty_settings(), "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "30", "-subj", subject, "-keyout", key, "-out", certificate, *more],
            check=True, capture_output=True,
        )
