"""nginx, as several files of test/apps/programs start it."""

import time

from programs import Failure, require
from web import TIMEOUT, drop_rights, end_gracefully, shared_folder

NGINX = "/usr/sbin/nginx"
WORKERS = 2
CONFIGURATION = """
{modules}
daemon off;
worker_processes {workers};
{user}
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 500; }}
http {{
  access_log off;
  client_body_temp_path {folder}/temp;
  proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/temp;
  uwsgi_temp_path {folder}/temp;
  scgi_temp_path {folder}/temp;
  root {lab};
  default_type text/plain;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {lab}/ecdsa.pem; ssl_certificate_key {lab}/ecdsa.key;
  {http}
}}
{rest}
"""


def nginx_folder(lab, name):
    """Where the nginx of that name may write, and in put/ its clients."""
    folder = shared_folder(lab, name)
    shared_folder(lab, f"{name}/put")
    return folder


def start_nginx(lab, library, name, ports, http, modules="", rest=""):
    """nginx with its workers, which serves the lab's folder. It is to listen on `ports`; `http`,
    `modules` and `rest` are parts of its configuration."""
    folder = nginx_folder(lab, name)
    configuration = lab.write(f"{name}.conf", CONFIGURATION.format(
        modules=modules, workers=WORKERS, user=drop_rights("user www-data;"), folder=folder,
        lab=lab.folder, http=http, rest=rest))
    program = lab.start(library, [NGINX, "-p", folder, "-c", configuration, "-e", "stderr"],
                        traced=False)
    program.listens(*ports)
    settled(program)
    return program


def settled(program, without=()):
    """Waits until there are master and workers and none of those whose ids are in `without`."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        pids = program.processes()
        if len(pids) == 1 + WORKERS and not set(pids) & set(without):
            break
        if time.monotonic() > deadline:
            raise Failure(f"there are {len(pids)} processes, not {1 + WORKERS}")
        time.sleep(0.02)
    program.check_all_mapped(1 + WORKERS)


def end_nginx(program, expected="nothing"):
    """Its orderly end. It must have said nothing bad of itself but lines with `expected`."""
    program.check_all_mapped(1 + WORKERS)
    end_gracefully(program)
    bad = [line for line in program.text().splitlines() if expected not in line
           and any(level in line for level in ("[emerg]", "[alert]", "[crit]", "[error]"))]
    require(not bad, f"it said {bad[:2]}")
