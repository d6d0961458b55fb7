"""A dispatcher's own program: whenever a motion ends, it asks for the clip around it. Arguments: centre.toml and command.key.

Any number of such programs may run beside `edge centre receive`, which keeps the journals."""

import queue
import sys
from pathlib import Path

from edge.centre import Client
from edge.clock import NS_PER_S, format_utc, parse_utc
from edge.config.link import read_mqtt

AROUND_S = 10
news = queue.Queue()  # callbacks must be quick: they only queue
asked = set()

mqtt = read_mqtt(Path(sys.argv[1]))
with Client(mqtt, Path("."), store=False, command_key=Path(sys.argv[2]), on_node=news.put) as centre:
    while True:
        node = news.get()
        for camera, motion in node.motion.items():
            if motion.active or motion.id in asked or not node.online:
                continue
            asked.add(motion.id)
            end_ns = parse_utc(motion.since)
            start, end = (format_utc(end_ns + side * AROUND_S * NS_PER_S) for side in (-1, 1))
            clip = centre.request_clip(node.node, camera, start, end, operator="dispatcher", case="patrol")
            answer = clip.wait(600)
            print(f"{node.node} {camera}: {answer.state} {answer.text}" if answer else f"{node.node}: no answer", flush=True)
