"""A camera or a film in an OpenCV loop, with the background blurred and teeth whitened.

python opencv_loop.py 0                        the first camera, in a window; q quits
python opencv_loop.py film.mp4 -o out.mp4      a film, without a window

OpenCV's pictures are BGR and ours RGB: turn them on the way in and out, or faces are blue.
"""

import argparse

import cv2

import easyportrait


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="a camera's number, or a film")
    parser.add_argument("-o", "--output", help="a film to write, instead of a window")
    args = parser.parse_args()
    source = cv2.VideoCapture(int(args.source) if args.source.isdigit() else args.source)
    if not source.isOpened():
        raise SystemExit(f"{args.source} cannot be opened")
    net, writer = easyportrait.load(), None
    while True:
        there, bgr = source.read()
        if not there:
            break
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        rgb = easyportrait.apply(rgb, model=net, looks=1, background="blur", whiten_teeth=0.6)
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if args.output is None:
            cv2.imshow("easyportrait", bgr)
            if cv2.waitKey(1) == ord("q"):
                break
            continue
        if writer is None:
            rate, size = source.get(cv2.CAP_PROP_FPS) or 25, bgr.shape[1::-1]
            writer = cv2.VideoWriter(args.output, cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
        writer.write(bgr)
    source.release()
    if writer is not None:
        writer.release()


if __name__ == "__main__":
    main()
