"""A mesh in DICOM comes back byte for byte, and the object is a legal one."""

import shutil
import struct
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.filereader import dcmread

from isocentra.dicom.stl_object import encapsulated_stl_bytes
from isocentra.errors import BolusError
from isocentra.image import Image


def stl(triangles: int) -> bytes:
    body = b"".join(struct.pack("<12fH", *range(12), 0) for _ in range(triangles))
    return b"made by a test".ljust(80, b"\0") + struct.pack("<L", triangles) + body


def test_the_mesh_comes_back_byte_for_byte_with_its_length_and_unit(
    make_image: Callable[..., Image],
) -> None:
    image, mesh = make_image(), stl(7)
    dataset = dcmread(BytesIO(encapsulated_stl_bytes(mesh, image, title="BOLUS")))
    assert dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength] == mesh
    assert dataset.EncapsulatedDocumentLength == len(mesh)
    assert (dataset.Modality, dataset.MIMETypeOfEncapsulatedDocument) == ("M3D", "model/stl")
    assert dataset.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert dataset.FrameOfReferenceUID == image.grid.frame_of_reference_uid
    assert dataset.StudyInstanceUID == image.header.study_uid
    assert len(dataset.SourceInstanceSequence) == len(image.header.sop_uids)
    assert dataset.DocumentTitle == "BOLUS"


def test_the_same_mesh_gives_the_same_bytes(make_image: Callable[..., Image]) -> None:
    image = make_image()
    assert encapsulated_stl_bytes(stl(2), image) == encapsulated_stl_bytes(stl(2), image)


@pytest.mark.parametrize("data", [b"solid x\nendsolid x\n", stl(3)[:-1], b""])
def test_what_is_no_binary_stl_is_refused(make_image: Callable[..., Image], data: bytes) -> None:
    with pytest.raises(BolusError) as caught:
        encapsulated_stl_bytes(data, make_image())
    assert caught.value.reason == "BAD_MESH"


@pytest.mark.peer
def test_the_object_is_clean_under_dciodvfy(
    make_image: Callable[..., Image], tmp_path: Path
) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian dicom3tools) is not installed")
    (tmp_path / "m.dcm").write_bytes(encapsulated_stl_bytes(stl(3), make_image()))
    run = subprocess.run(
        ["dciodvfy", str(tmp_path / "m.dcm")], capture_output=True, text=True, check=False
    )
    assert [line for line in run.stderr.splitlines() if line.startswith("Error")] == []
    assert run.returncode == 0, run.stderr
