"""Requests and results of Storage Commitment against pydicom's own encoding, and against garbage."""

import random
import struct
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from config.errors import Rejected
from dicom.commitment import (
    CommitmentRequest,
    CommitmentResult,
    FailureReason,
    Reference,
    decode_request,
    decode_result,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
ONE, TWO, THREE = (Reference(CT, f"1.2.3.{number}") for number in (1, 22, 333))


def item_of(reference, reason=None):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = reference.sop_class_uid, reference.sop_instance_uid
    if reason is not None:
        item.FailureReason = reason
    return item


def request_of(*references, transaction="1.2.9"):
    dataset = Dataset()
    dataset.TransactionUID = transaction
    dataset.ReferencedSOPSequence = Sequence(map(item_of, references))
    return dataset


def encoded(dataset, *, implicit, undefined=False):
    if undefined:
        for element in dataset:
            element.is_undefined_length = element.VR == "SQ"
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    write_dataset(buffer, dataset)
    return buffer.getvalue()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_a_request_is_read_however_its_lengths_are_written(implicit, undefined):
    data = encoded(request_of(ONE, TWO, ONE), implicit=implicit, undefined=undefined)
    assert decode_request(data, implicit=implicit) == CommitmentRequest("1.2.9", (ONE, TWO))


@pytest.mark.parametrize("implicit", [False, True])
def test_what_we_encode_is_what_others_encode(implicit):
    assert CommitmentRequest("1.2.9", (ONE, TWO)).encode(implicit=implicit) == encoded(
        request_of(ONE, TWO), implicit=implicit
    )
    result = CommitmentResult("1.2.9", (ONE,), ((TWO, FailureReason.NO_SUCH_INSTANCE), (THREE, 0x0131)))
    expected = request_of(ONE)
    expected.FailedSOPSequence = Sequence([item_of(TWO, 0x0112), item_of(THREE, 0x0131)])
    assert result.encode(implicit=implicit) == encoded(expected, implicit=implicit)
    assert decode_result(result.encode(implicit=implicit), implicit=implicit) == result


@pytest.mark.parametrize(
    ("committed", "failed", "missing"),
    [((ONE,), (), "FailedSOPSequence"), ((), ((ONE, 0x0110),), "ReferencedSOPSequence")],
)
def test_an_empty_sequence_is_left_out(committed, failed, missing):
    data = CommitmentResult("1.2.9", committed, failed).encode(implicit=False)
    assert missing not in read_dataset(BytesIO(data), is_implicit_VR=False, is_little_endian=True)


def without(dataset, keyword):
    delattr(dataset, keyword)
    return dataset


def with_item(**values):
    dataset = request_of(ONE)
    for keyword, value in values.items():
        if value is None:
            del dataset.ReferencedSOPSequence[0][keyword]
        else:
            dataset.ReferencedSOPSequence[0][keyword].value = value
    return dataset


@pytest.mark.parametrize(
    ("dataset", "status"),
    [
        (Dataset(), 0x0114),
        (without(request_of(ONE), "TransactionUID"), 0x0114),
        (request_of(ONE, transaction=""), 0x0114),
        (without(request_of(ONE), "ReferencedSOPSequence"), 0x0114),
        (request_of(), 0x0114),
        (with_item(ReferencedSOPClassUID=None), 0x0114),
        (with_item(ReferencedSOPInstanceUID=None), 0x0114),
        (with_item(ReferencedSOPInstanceUID=""), 0x0114),
        (with_item(ReferencedSOPInstanceUID="1.2/../3"), 0x0115),
        (with_item(ReferencedSOPInstanceUID=["1.2", "1.3"]), 0x0115),
        (with_item(ReferencedSOPInstanceUID="1" * 70), 0x0115),
        (request_of(ONE, transaction="1.2*"), 0x0115),
    ],
)
def test_a_request_that_cannot_be_used_is_rejected_with_its_status(dataset, status):
    with pytest.raises(Rejected) as caught:
        decode_request(encoded(dataset, implicit=False), implicit=False)
    assert caught.value.status == status


def test_ten_thousand_objects():
    many = tuple(Reference(CT, f"1.2.840.113619.2.55.3.604688119.{number}") for number in range(10_000))
    assert decode_request(CommitmentRequest("1.2.9", many).encode(implicit=True), implicit=True).references == many


def test_damaged_bytes_are_read_or_rejected_and_nothing_else():
    chance = random.Random(14)  # noqa: S311
    whole = encoded(request_of(ONE, TWO, THREE), implicit=False)
    level = struct.pack("<HH2sxxLHHL", 0x0008, 0x1199, b"SQ", 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    samples = [level * 5000]
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        samples.append(bytes(data[: chance.randint(0, len(data))] if chance.random() < 0.3 else data))
    read = 0
    for sample in samples:
        for decode in (decode_request, decode_result):
            for implicit in (False, True):
                try:
                    decode(sample, implicit=implicit)
                    read += 1
                except Rejected as rejected:
                    assert rejected.status in (0x0114, 0x0115, 0x0212)  # noqa: PT017
    assert read
