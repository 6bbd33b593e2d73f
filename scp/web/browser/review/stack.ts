// The images of a series, fetched from the node by WADO-RS for Cornerstone.
import { cache, imageLoader, metaData, type Types } from "@cornerstonejs/core";
import type { Image, State } from "./api";
import { decodePixels, readHeaders, type Header } from "./header";
import { takeFirstPart } from "./multipart";

const SCHEME = "coronode";
const MOST_BYTES = 256 * 1024 * 1024;
/** How many slices on either side of the one that is shown are fetched ahead. */
const AHEAD = 24;
const AT_ONCE = 3;

interface Source {
  address: string;
  header: Header;
}

const sources = new Map<string, Source>();

/** Teach Cornerstone to load our images; once a page. */
export function prepareLoading(): void {
  cache.setMaxCacheSize(MOST_BYTES);
  imageLoader.registerImageLoader(SCHEME, (imageId) => ({ promise: load(imageId) }));
  metaData.addProvider(describe, 100);
}

export class Stack {
  private position = 0;
  private running = 0;
  private readonly ids: string[];

  private constructor(
    readonly images: readonly Image[],
    readonly headers: readonly Header[],
    series: string,
  ) {
    this.ids = images.map((image) => `${SCHEME}:${series}/${image.sop_instance_uid}/${image.frame ?? 1}`);
  }

  /** Open the images of a review. Throws where the node does not describe them. */
  static async open(state: State, metadata: Promise<Response>): Promise<Stack> {
    const response = await metadata;
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const headers = readHeaders(await response.json(), state.images);
    const known = headers.filter((header) => header !== undefined);
    if (known.length !== state.images.length || !known.length) throw new Error("images without a description");
    const stack = new Stack(state.images, known, state.series.series_instance_uid);
    const root = findAddress(state.series.study_instance_uid, state.series.series_instance_uid);
    state.images.forEach((image, index) => {
      const address = `${root}/instances/${image.sop_instance_uid}/frames/${image.frame ?? 1}`;
      sources.set(stack.ids[index]!, { address, header: known[index]! });
    });
    return stack;
  }

  get imageIds(): string[] {
    return [...this.ids];
  }

  /** Fetch the neighbours of a slice, the nearest first, until the reader goes elsewhere. */
  prefetch(index: number): void {
    this.position = index;
    while (this.running < AT_ONCE && this.fetchNext()) this.running++;
  }

  private fetchNext(): boolean {
    const id = this.findWanted();
    if (id === undefined) return false;
    imageLoader
      .loadAndCacheImage(id)
      .then(() => true)
      .catch(() => false)
      .then((loaded) => {
        this.running--;
        // an image that fails is asked for again when it is to be shown, and its fault told then
        if (loaded) this.prefetch(this.position);
      });
    return true;
  }

  private findWanted(): string | undefined {
    for (let distance = 0; distance <= AHEAD; distance++) {
      for (const index of [this.position + distance, this.position - distance]) {
        const id = this.ids[index];
        if (id !== undefined && !cache.getImageLoadObject(id)) return id;
      }
    }
    return undefined;
  }
}

/** The address of a series in our WADO-RS (PS3.18 10.4). */
export function findAddress(study: string, series: string): string {
  return `/dicom-web/studies/${encodeURIComponent(study)}/series/${encodeURIComponent(series)}`;
}

async function load(imageId: string): Promise<Types.IImage> {
  const source = sources.get(imageId);
  if (!source) throw new Error(`unknown image ${imageId}`);
  const accept = 'multipart/related; type="application/octet-stream"';
  const response = await fetch(source.address, { headers: { Accept: accept } });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const body = new Uint8Array(await response.arrayBuffer());
  return makeImage(imageId, decodePixels(takeFirstPart(body, response.headers.get("content-type") ?? ""), source.header), source.header);
}

function makeImage(imageId: string, pixels: Int16Array<ArrayBuffer>, header: Header): Types.IImage {
  let least = pixels[0] ?? 0;
  let most = least;
  for (const value of pixels) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  // pixels are HU already: no slope, no intercept
  const image = {
    imageId,
    minPixelValue: least,
    maxPixelValue: most,
    slope: 1,
    intercept: 0,
    windowCenter: 240,
    windowWidth: 800,
    voiLUTFunction: "LINEAR",
    rows: header.rows,
    columns: header.columns,
    height: header.rows,
    width: header.columns,
    rowPixelSpacing: header.spacing[0],
    columnPixelSpacing: header.spacing[1],
    color: false,
    rgba: false,
    invert: false,
    numberOfComponents: 1,
    dataType: "Int16Array",
    sizeInBytes: pixels.byteLength,
    photometricInterpretation: "MONOCHROME2",
    imageFrame: {},
    getPixelData: () => pixels,
    getCanvas: undefined,
  };
  return image as unknown as Types.IImage;
}

/** What Cornerstone asks about an image. Its plane is the image's own: positions in the patient are ours to know. */
function describe(type: string, imageId: string): object | undefined {
  const header = sources.get(imageId)?.header;
  if (!header) return undefined;
  if (type === "imagePlaneModule") {
    return {
      rows: header.rows,
      columns: header.columns,
      rowCosines: [1, 0, 0],
      columnCosines: [0, 1, 0],
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      imagePositionPatient: [0, 0, 0],
      pixelSpacing: header.spacing,
      rowPixelSpacing: header.spacing[0],
      columnPixelSpacing: header.spacing[1],
      frameOfReferenceUID: "image",
    };
  }
  if (type === "imagePixelModule") {
    return {
      bitsAllocated: 16,
      bitsStored: 16,
      highBit: 15,
      pixelRepresentation: 1,
      samplesPerPixel: 1,
      photometricInterpretation: "MONOCHROME2",
    };
  }
  if (type === "generalSeriesModule") return { modality: "CT" };
  return undefined;
}
