"""A camera with effects, as one more camera for OBS, Zoom or Meet.

python obs_camera.py [0]          a camera's number, or a film in its place

On Linux once: sudo modprobe v4l2loopback exclusive_caps=1. On Windows and macOS the virtual camera
is OBS's own. `easyportrait camera --virtual` does the same, with a window and keys.
"""

import contextlib
import sys

import pyvirtualcam

import easyportrait


def main(source: int | str = 0) -> None:
    with easyportrait.Camera(source, background="blur", smooth_skin=0.4) as camera:
        shown = next(pictures := camera.frames())
        height, width = shown.image.shape[:2]
        with pyvirtualcam.Camera(width=width, height=height, fps=camera.rate or 25) as virtual:
            print(f"look for {virtual.device}; Ctrl-C ends it")
            virtual.send(shown.image)
            for shown in pictures:
                virtual.send(shown.image)
        print(camera.summary)


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "0"
    with contextlib.suppress(KeyboardInterrupt):
        main(int(wanted) if wanted.isdigit() else wanted)
