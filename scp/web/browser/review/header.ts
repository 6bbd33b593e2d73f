// What the DICOM JSON of a series says about its images (PS3.18 annex F): how pixels become HU, and where they lie.
import type { Image } from "./api";

type Element = { Value?: unknown[] };
type Dataset = Record<string, Element | undefined>;

export interface Header {
  rows: number;
  columns: number;
  /** Between rows and between columns, in mm (PS3.3 10.7.1.3). */
  spacing: [row: number, column: number];
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  signed: boolean;
  slope: number;
  intercept: number;
  /** Direction cosines of a row and of a column (PS3.3 C.7.6.2.1.1). */
  orientation: number[];
  frameOfReferenceUid: string;
}

/** Read the headers of the images of a stack, in its order; undefined where an image is not described. */
export function readHeaders(metadata: Dataset[], images: readonly Image[]): (Header | undefined)[] {
  const instances = new Map(metadata.map((dataset) => [String(first(dataset, "00080018") ?? ""), dataset]));
  return images.map((image) => {
    const dataset = instances.get(image.sop_instance_uid);
    return dataset && readHeader(dataset, image.frame);
  });
}

function readHeader(dataset: Dataset, frame: number | null): Header {
  const shared = items(dataset, "52009229")[0];
  const own = frame === null ? undefined : items(dataset, "52009230")[frame - 1];
  // a functional group of the frame comes before one of all frames, and both before the image itself
  const find = (group: string, tag: string): Element | undefined =>
    (own && items(own, group)[0]?.[tag]) ?? (shared && items(shared, group)[0]?.[tag]) ?? dataset[tag];
  const spacing = numbers(find("00289110", "00280030"));
  const bitsAllocated = Number(first(dataset, "00280100") ?? 16);
  const bitsStored = Number(first(dataset, "00280101") ?? bitsAllocated);
  return {
    rows: Number(first(dataset, "00280010")),
    columns: Number(first(dataset, "00280011")),
    spacing: [spacing[0] ?? 1, spacing[1] ?? spacing[0] ?? 1],
    bitsAllocated,
    bitsStored,
    highBit: Number(first(dataset, "00280102") ?? bitsStored - 1),
    signed: Number(first(dataset, "00280103") ?? 0) === 1,
    slope: numbers(find("00289145", "00281053"))[0] ?? 1,
    intercept: numbers(find("00289145", "00281052"))[0] ?? 0,
    orientation: numbers(find("00209116", "00200037")),
    frameOfReferenceUid: String(first(dataset, "00200052") ?? ""),
  };
}

/** Turn the bytes of a frame, little endian, into HU, as whole numbers that a CT can have. */
export function decodePixels(bytes: Uint8Array, header: Header): Int16Array<ArrayBuffer> {
  const size = header.rows * header.columns;
  const width = header.bitsAllocated / 8;
  if (bytes.length < size * width) throw new Error(`frame of ${bytes.length} bytes, ${size * width} expected`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // bits above the high bit and below the stored ones are no part of the value (PS3.5 8.1.1)
  const left = 32 - (header.highBit + 1);
  const right = 32 - header.bitsStored;
  const pixels = new Int16Array(size);
  for (let i = 0; i < size; i++) {
    const raw = width === 1 ? view.getUint8(i) : width === 2 ? view.getUint16(i * 2, true) : view.getUint32(i * 4, true);
    const stored = header.signed ? (raw << left) >> right : (raw << left) >>> right;
    pixels[i] = Math.max(-32768, Math.min(32767, Math.round(stored * header.slope + header.intercept)));
  }
  return pixels;
}

function items(dataset: Dataset, tag: string): Dataset[] {
  return (dataset[tag]?.Value ?? []) as Dataset[];
}

function first(dataset: Dataset, tag: string): unknown {
  return dataset[tag]?.Value?.[0];
}

function numbers(element: Element | undefined): number[] {
  return (element?.Value ?? []).map(Number).filter(Number.isFinite);
}
