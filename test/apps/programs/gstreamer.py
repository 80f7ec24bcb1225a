"""GStreamer's dtlssrtpenc and dtlssrtpdec: sound over SRTP, with keys that DTLS has agreed on."""

import platform
import time

from dtls import Crowd
from programs import PAIRINGS, require

PACKAGES = "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
LAUNCH = "/usr/bin/gst-launch-1.0"
PLUGINS = f"/usr/lib/{platform.machine()}-linux-gnu/gstreamer-1.0"
NEEDS = [LAUNCH, f"{PLUGINS}/libgstdtls.so", f"{PLUGINS}/libgstsrtp.so",
         f"{PLUGINS}/libgstrtp.so"]

# A square wave repeats itself after so many bytes, of which a second has 8000.
PERIOD, ENOUGH = 80, 4000
SOUND = ("audiotestsrc is-live=true wave=square freq=100 ! audio/x-raw,rate=8000,channels=1 ! "
         "mulawenc ! rtppcmupay ! ends.rtp_sink_0")
SECONDS = 20


def connection(own, other, is_client):
    """The two directions of one end, which listens on `own`."""
    return (f"dtlssrtpenc name=ends connection-id=one is-client={is_client} ! "
            f"udpsink host=127.0.0.1 port={other} sync=false async=false "
            f"udpsrc address=127.0.0.1 port={own} ! dtlssrtpdec name=begins connection-id=one ")


def launch(lab, library, description):
    variables = {"GST_REGISTRY": lab.path("gstreamer-registry")}
    return lab.start(library, [LAUNCH, *description.split()], environment=variables)


def sound(lab, client, server, sender):
    ports = [lab.free_port() for _ in range(2)]
    heard = lab.folder / f"heard-{ports[0]}"
    hear = ("begins.rtp_src ! "
            "application/x-rtp,media=audio,clock-rate=8000,encoding-name=PCMU,payload=0 ! "
            f"rtppcmudepay ! filesink location={heard} buffer-mode=unbuffered sync=false")
    listening = connection(ports[0], ports[1], "false")
    asking = connection(ports[1], ports[0], "true")
    speaking = f"{SOUND} begins.rtp_src ! fakesink async=false"
    ends = [launch(lab, server, listening + (speaking if sender == "server" else hear))]
    ends[0].listens(ports[0], protocol="udp")
    ends.append(launch(lab, client, asking + (speaking if sender == "client" else hear)))
    end = time.monotonic() + SECONDS
    while not heard.exists() or heard.stat().st_size < ENOUGH:
        require(all(one.process.poll() is None for one in ends),
                "; ".join(f"{one}: {one.last_words()}" for one in ends))
        require(time.monotonic() < end, "nothing is heard")
        time.sleep(0.02)
    for one in ends:
        one.check_mapped()
        one.stop()
    data = heard.read_bytes()
    require(len(set(data)) == 2 and data[PERIOD:] == data[:-PERIOD], "that is another sound")


def cases(report, lab):
    # One process finds the plugins for all.
    lab.run(None, [LAUNCH, "fakesrc", "num-buffers=1", "!", "fakesink"],
            environment={"GST_REGISTRY": lab.path("gstreamer-registry")})
    with Crowd(report, lab) as crowd:
        for client, server in PAIRINGS[:3]:
            for sender in ("client", "server"):
                crowd.case(f"gstreamer-{client}.gstreamer-{server}.sound-of-the-{sender}", sound,
                           client, server, sender)
