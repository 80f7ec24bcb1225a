"""nginx as a proxy: http and stream, TLS on both sides, to a second nginx on the other library."""

import dataclasses
import os

from nginx_process import NGINX, WORKERS, end_nginx, nginx_folder, start_nginx
from programs import Program, require
from web import (
    CURL, OTHER_HOST, VERSIONS, curl, get_all, make_other_certificates, make_payloads, page,
    put_all, report_each)

STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
PACKAGES = "nginx libnginx-mod-stream curl"
NEEDS = [NGINX, STREAM, CURL]

LIBRARIES = ("ours", "system")
BEHIND = [(back, version) for back in LIBRARIES for version in VERSIONS]
# (library of the nginx in front, of the one behind it and of the client)
CHAINS = [("ours", "ours"), ("ours", "system"), ("system", "ours")]
HTTP = """
  client_max_body_size 0;
  proxy_ssl_trusted_certificate {lab}/ca.pem; proxy_ssl_verify on;
  proxy_ssl_name localhost; proxy_ssl_server_name on;
  proxy_ssl_certificate {lab}/client.pem; proxy_ssl_certificate_key {lab}/client.key;
  server {{
    listen 127.0.0.1:{front} ssl http2;
    {locations}
  }}
  server {{
    listen 127.0.0.1:{back} ssl;
    ssl_session_cache shared:sessions:1m;
    ssl_verify_client on; ssl_client_certificate {lab}/ca.pem;
    location = /status {{
      return 200 "resumed=$ssl_session_reused $ssl_protocol $ssl_client_s_dn $ssl_server_name\\n";
    }}
    location /put/ {{ alias {folder}/put/; dav_methods PUT; }}
  }}
  server {{
    listen 127.0.0.1:{other} ssl;
    ssl_certificate {lab}/other.pem; ssl_certificate_key {lab}/other.key;
    return 200 "this is $ssl_server_name";
  }}
"""
STREAMS = """
stream {{
  ssl_certificate {lab}/rsa.pem; ssl_certificate_key {lab}/rsa.key;
  proxy_ssl_trusted_certificate {lab}/ca.pem; proxy_ssl_verify on;
  proxy_ssl_name localhost; proxy_ssl_server_name on;
  proxy_ssl_certificate {lab}/client.pem; proxy_ssl_certificate_key {lab}/client.key;
  {streams}
  map $ssl_preread_protocol/$ssl_preread_server_name $destination {{
    ~^TLSv1.[23]/localhost$ 127.0.0.1:{front};
    ~^TLSv1.[23]/{other_host}$ 127.0.0.1:{other};
    default 127.0.0.1:1;
  }}
  server {{ listen 127.0.0.1:{preread}; ssl_preread on; proxy_pass $destination; }}
}}
"""
# What there is for each library behind and each version.
LOCATION = """
    location /{back}/{version}/ {{
      proxy_pass https://127.0.0.1:{port}/; proxy_ssl_protocols TLSv{version};
    }}
    location /{back}/{version}/wrong-name/ {{
      proxy_pass https://127.0.0.1:{port}/; proxy_ssl_protocols TLSv{version};
      proxy_ssl_name wrong.test;
    }}"""
STREAM_SERVER = """
  server {{
    listen 127.0.0.1:{port} ssl; ssl_protocols TLSv{version};
    proxy_pass 127.0.0.1:{back}; proxy_ssl on; proxy_ssl_protocols TLSv{version};
  }}"""


@dataclasses.dataclass
class Proxy:
    """A running nginx; its ports are by name, those of streams by (library behind, version)."""
    program: Program
    folder: os.PathLike
    ports: dict


def start_both(lab):
    """Each must know the other's port."""
    names = ("front", "back", "other", "preread", *BEHIND)
    ports = {library: {name: lab.free_port() for name in names} for library in LIBRARIES}
    both = {library: start(lab, library, ports) for library in LIBRARIES}
    return both["ours"].program, both


def start(lab, library, ports):
    name = f"nginx-proxy-{library}"
    folder = nginx_folder(lab, name)
    own = ports[library]
    settings = {"lab": lab.folder, "folder": folder, "other_host": OTHER_HOST} | {
        port: number for port, number in own.items() if isinstance(port, str)}
    locations = "".join(LOCATION.format(back=back, version=version, port=ports[back]["back"])
                        for back, version in BEHIND)
    streams = "".join(STREAM_SERVER.format(port=own[back, version], version=version,
                                           back=ports[back]["back"]) for back, version in BEHIND)
    program = start_nginx(lab, library, name, own.values(),
                          HTTP.format(locations=locations, **settings), f"load_module {STREAM};",
                          STREAMS.format(streams=streams, **settings))
    return Proxy(program, folder, own)


def proxies(lab, *libraries):
    """The proxies of these libraries, whose processes have been looked at."""
    both = lab.shared(start_both)
    for library in libraries:
        both[library].program.check_all_mapped(1 + WORKERS)
    return [both[library] for library in libraries]


def http(lab, front, back, version):
    first, second = proxies(lab, front, back)
    port, folder = first.ports["front"], f"{back}/{version}/"
    get_all(lab, back, version, port, folder=folder)
    put_all(lab, back, version, port, folder=folder + "put/", stored=second.folder / "put")


def upstream_session(lab, front, back, version):
    """Each request is a connection of its own behind the proxy; all but the first resume."""
    first, _ = proxies(lab, front, back)
    url = f"https://localhost:{first.ports['front']}/{back}/{version}/status"
    lines = curl(lab, back, version, url, url, url, url).output().decode().splitlines()
    for line in lines:
        require(line.endswith(f"TLSv{version} CN=test client localhost"), f"a page is '{line}'")
    resumed = [line.partition(" ")[0] for line in lines]
    require(len(resumed) == 4 and resumed[1:] == ["resumed=r"] * 3, f"sessions: {resumed}")


def wrong_name(lab, front, back, version):
    """The proxy does not speak to a server with another name."""
    first, _ = proxies(lab, front, back)
    text = page(lab, back, version, first.ports["front"], f"{back}/{version}/wrong-name/1B")
    require("502 Bad Gateway" in text, f"the page is '{text}'")
    require("upstream SSL certificate does not match" in first.program.text(), "another reason")


def stream(lab, front, back, version):
    first, second = proxies(lab, front, back)
    port = first.ports[back, version]
    get_all(lab, back, version, port)
    put_all(lab, back, version, port, folder="put/", stored=second.folder / "put")


def preread(lab, front, client, version):
    """nginx reads the name in the ClientHello and passes the connection on as it is."""
    first, = proxies(lab, front)
    port = first.ports["preread"]
    get_all(lab, client, version, port, folder=f"{client}/{version}/", names=("1B", "16KB+1"))
    text = page(lab, client, version, port, "", host=OTHER_HOST)
    require(text == f"this is {OTHER_HOST}", f"the page is '{text}'")


def end(lab, library):
    proxy, = proxies(lab, library)
    end_nginx(proxy.program, "upstream SSL certificate does not match")


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    for front, back in CHAINS:
        for version in VERSIONS:
            report_each(report, f"nginx-proxy-{front}.nginx-{back}.tls{version}",
                        (http, upstream_session, wrong_name, stream, preread), lab, front, back,
                        version)
    for library in reversed(LIBRARIES):  # the one by which they are known goes last
        report_each(report, f"nginx-proxy-{library}", (end,), lab, library)
