"""The machine of the clients: it trusts the test's authority, as an administrator sets that up, and names the proxy."""

import glob
import os
import subprocess

import isolate

JAVA_TRUST = f"{isolate.STATE}/java-trust"


def trust(certificate):
    """/etc is the test's own."""
    with open(certificate, encoding="ascii") as file, open("/etc/ssl/certs/ca-certificates.crt", "a", encoding="ascii") as bundle:
        bundle.write(file.read())
    argv = ["openssl", "x509", "-hash", "-noout", "-in", certificate]
    hashed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    os.symlink(certificate, f"/etc/ssl/certs/{hashed}.0")
    for keytool in glob.glob("/usr/lib/jvm/java-17-openjdk-*/bin/keytool"):
        # Of the other kind of store Java reads nothing without the password.
        subprocess.run([keytool, "-importcert", "-noprompt", "-file", certificate, "-keystore", JAVA_TRUST, "-storetype", "JKS",
                        "-storepass", "changeit"], check=True, capture_output=True)


def environment(folder, proxy, certificate):
    """For a program whose home is the folder."""
    variables = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
    variables.update(dict.fromkeys(("NODE_EXTRA_CA_CERTS", "DENO_CERT"), certificate))
    variables.update(PATH=os.environ["PATH"], HOME=folder, TMPDIR=folder, LC_ALL="C.UTF-8")
    variables.update(TERM="dumb", COLUMNS="200", NO_COLOR="1")
    return variables
