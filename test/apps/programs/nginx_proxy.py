"""nginx as a proxy: http and stream, TLS on both sides, to a second nginx on the other library."""

import dataclasses
import os

from programs import Program, require
from web import (
    CURL, OTHER_HOST, SIZES, UPLOADS, VERSIONS, curl, drop_rights, end_gracefully, get_all,
    make_other_certificates, make_payloads, page, put_all, shared_folder)

NGINX = "/usr/sbin/nginx"
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
PACKAGES = "nginx libnginx-mod-stream curl"
NEEDS = [NGINX, STREAM, CURL]

WORKERS = 2
LIBRARIES = ("ours", "system")
# (library of the nginx in front, of the one behind it and of the client)
CHAINS = [("ours", "ours"), ("ours", "system"), ("system", "ours")]
CONFIGURATION = """
load_module {stream};
daemon off;
worker_processes {workers};
{user}
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
  uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
  root {lab};
  default_type text/plain;
  client_max_body_size 0;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {lab}/ecdsa.pem; ssl_certificate_key {lab}/ecdsa.key;
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
}}
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
    ports = {library: {name: lab.free_port() for name in ("front", "back", "other", "preread")} |
                      {(back, version): lab.free_port() for back in LIBRARIES for version in VERSIONS}
             for library in LIBRARIES}
    proxies = {library: start(lab, library, ports) for library in LIBRARIES}
    return proxies["ours"].program, proxies


def start(lab, library, ports):
    folder = shared_folder(lab, f"nginx-proxy-{library}")
    shared_folder(lab, f"nginx-proxy-{library}/put")
    own = ports[library]
    chains = [(back, version) for back in LIBRARIES for version in VERSIONS]
    configuration = lab.write(f"nginx-proxy-{library}.conf", CONFIGURATION.format(
        stream=STREAM, workers=WORKERS, user=drop_rights("user www-data;"), folder=folder,
        lab=lab.folder, other_host=OTHER_HOST,
        locations="".join(LOCATION.format(back=back, version=version, port=ports[back]["back"])
                          for back, version in chains),
        streams="".join(STREAM_SERVER.format(port=own[back, version], version=version,
                                             back=ports[back]["back"]) for back, version in chains),
        **{name: port for name, port in own.items() if isinstance(name, str)}))
    program = lab.start(library, [NGINX, "-p", folder, "-c", configuration, "-e", "stderr"],
                        traced=False)
    program.listens(*own.values())
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


def complaints(lab, library):
    """It ends in good order and has said nothing bad of itself but the wrong names."""
    proxy, = proxies(lab, library)
    end_gracefully(proxy.program)
    bad = [line for line in proxy.program.text().splitlines()
           if any(level in line for level in ("[emerg]", "[alert]", "[crit]", "[error]"))
           and "upstream SSL certificate does not match" not in line]
    require(not bad, f"it said {bad[:2]}")


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    for front, back in CHAINS:
        for version in VERSIONS:
            name = f"nginx-proxy-{front}.nginx-{back}.tls{version}"
            for function in (http, upstream_session, wrong_name, stream, preread):
                report.case(f"{name}.{function.__name__.replace('_', '-')}", function, lab, front,
                            back, version)
    for library in reversed(LIBRARIES):  # the one by which they are known goes last
        report.case(f"nginx-proxy-{library}.ends-without-complaint", complaints, lab, library)
