"""Generate libs/protos/src/{billing,buf} from protos/: messages, gRPC, typed stubs and descriptors.binpb.

Usage: python tools/gen_protos.py [--check]     --check changes nothing and fails when the committed code is stale
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import google.api.annotations_pb2
import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).resolve().parents[1]
PROTOS = ROOT / "protos"
TARGET = ROOT / "libs/protos/src"
THIRD_PARTY = ROOT / ".billing/build/protos"  # also the second module of buf.yaml
GOOGLEAPIS = Path(google.api.annotations_pb2.__file__).parents[2]
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
PACKAGES = ("billing", "buf")
DESCRIPTORS = "billing/descriptors.binpb"


def stage_third_party() -> None:
    """Put google/{api,rpc,type} and buf/validate protos into THIRD_PARTY; nothing of it is committed."""
    for folder in ("google/api", "google/rpc", "google/type"):
        for source in sorted((GOOGLEAPIS / folder).glob("*.proto")):
            target = THIRD_PARTY / folder / source.name
            if not target.exists() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    # A process of its own: it registers the validation extensions in the default descriptor pool.
    subprocess.run([sys.executable, str(ROOT / "tools/validate_proto.py"), str(THIRD_PARTY)], check=True)


def protoc(out: Path, files: Sequence[str], *flags: str) -> None:
    includes = [f"--proto_path={folder}" for folder in (PROTOS, THIRD_PARTY, WELL_KNOWN)]
    plugin = f"--plugin=protoc-gen-mypy={Path(sys.executable).parent / 'protoc-gen-mypy'}"
    grpc_plugin = f"--plugin=protoc-gen-mypy_grpc={Path(sys.executable).parent / 'protoc-gen-mypy_grpc'}"
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, plugin, grpc_plugin, *flags, *files]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


def generate(out: Path) -> None:
    ours = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("billing/**/*.proto"))
    if not ours:
        sys.exit(f"no proto files in {PROTOS.relative_to(ROOT)}/billing")
    protoc(out, [*ours, "buf/validate/validate.proto"], "--python_out=.", "--mypy_out=quiet:.")
    services = [name for name in ours if name.endswith("_service.proto")]
    if services:
        protoc(out, services, "--grpc_python_out=.", "--mypy_grpc_out=quiet:.")
    add_packages(out)
    protoc(out, ours, "--include_imports", "--include_source_info", f"--descriptor_set_out={DESCRIPTORS}")
    drop_foreign_comments(out / DESCRIPTORS)


def add_packages(out: Path) -> None:
    for package in PACKAGES:
        folders = [out / package, *(path for path in (out / package).rglob("*") if path.is_dir())]
        for folder in folders:
            (folder / "__init__.py").write_text("")
        (out / package / "py.typed").write_text("")


def drop_foreign_comments(path: Path) -> None:
    """Source information is kept for our files only: it is what OpenAPI and reflection show."""
    descriptors = FileDescriptorSet.FromString(path.read_bytes())
    for file in descriptors.file:
        if not file.name.startswith("billing/"):
            file.ClearField("source_code_info")
    path.write_bytes(descriptors.SerializeToString(deterministic=True))


def tree(root: Path) -> dict[str, bytes]:
    """Relative path -> content of everything generated under `root`."""
    found = (path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in found if "__pycache__" not in path.parts}


def stale(wanted: dict[str, bytes], present: dict[str, bytes]) -> list[str]:
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(names: Sequence[str], wanted: dict[str, bytes]) -> None:
    for name in names:
        target = TARGET / name
        if name in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[name])
        else:
            target.unlink()


def main(arguments: Sequence[str]) -> int:
    stage_third_party()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        wanted = tree(Path(folder))
    changed = stale(wanted, tree(TARGET))
    if "--check" in arguments:
        for name in changed:
            print(f"stale: libs/protos/src/{name}   (make protos)")
        return 1 if changed else 0
    write(changed, wanted)
    print(f"{len(wanted)} files generated, {len(changed)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
