"""img2dataset, files as they come (resize_mode=no), two processes of 64 threads.

By default it encodes every picture anew; `skip_reencode` spares it that, so both are shown.
Shards of 1,000, since a shard is the work of one process: the default of 10,000 leaves one idle.
"""

from benchmarks.peers.base import PEER_PYTHON, Peer, Work, package_version

OPTIONS = {
    "input_format": "txt",
    "output_format": "files",
    "resize_mode": "no",
    "processes_count": "2",
    "thread_count": "64",
    "number_sample_per_shard": "1000",
    "enable_wandb": "False",
}


def _peer(name: str, **more: str) -> Peer:
    def command(work: Work) -> list[str]:
        places = {"url_list": str(work.urls), "output_folder": str(work.out)}
        options = [f"--{key}={value}" for key, value in (OPTIONS | places | more).items()]
        return [str(PEER_PYTHON.with_name("img2dataset")), *options]

    return Peer(name, package_version("img2dataset"), command)


IMG2DATASET = _peer("img2dataset resize_mode=no")
IMG2DATASET_KEEP = _peer("img2dataset resize_mode=no, skip_reencode", skip_reencode="True")
