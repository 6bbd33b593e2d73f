"""Slices as the index describes them."""

from dataclasses import replace

from storage.series.slices import SliceGeometry


def at(z: float, **changes) -> SliceGeometry:
    plain = SliceGeometry(
        sop_instance_uid=f"1.2.{round(z * 1000)}",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        instance_number=None,
        acquisition_number=1,
        position=(0.0, 0.0, z),
        row_direction=(1.0, 0.0, 0.0),
        column_direction=(0.0, 1.0, 0.0),
        rows=512,
        columns=512,
        pixel_spacing=(0.4, 0.4),
        slice_thickness=3.0,
        frame_of_reference_uid="1.2",
        image_type=(),
        convolution_kernel="",
        number_of_frames=1,
    )
    return replace(plain, **changes)
