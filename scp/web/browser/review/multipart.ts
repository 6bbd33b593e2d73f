// The first part of a multipart/related answer (RFC 2387; PS3.18 8.7.1).

/** Take the content of the first part; an answer that is not in parts is its own content. */
export function takeFirstPart(body: Uint8Array, contentType: string): Uint8Array {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) return body;
  const opening = find(body, `--${boundary}\r\n`, 0);
  const start = opening < 0 ? -1 : find(body, "\r\n\r\n", opening);
  if (start < 0) throw new Error("an answer in parts without a part");
  const length = /content-length:\s*(\d+)/i.exec(decode(body.subarray(opening, start)))?.[1];
  if (length) return body.subarray(start + 4, start + 4 + Number(length));
  // pixels may hold any bytes: the last delimiter is the one that ends the part
  const end = findLast(body, `\r\n--${boundary}--`);
  return body.subarray(start + 4, end < 0 ? body.length : end);
}

function find(body: Uint8Array, text: string, from: number): number {
  const wanted = new TextEncoder().encode(text);
  for (let i = from; i <= body.length - wanted.length; i++) if (matches(body, wanted, i)) return i;
  return -1;
}

function findLast(body: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  for (let i = body.length - wanted.length; i >= 0; i--) if (matches(body, wanted, i)) return i;
  return -1;
}

function matches(body: Uint8Array, wanted: Uint8Array, at: number): boolean {
  return wanted.every((byte, k) => body[at + k] === byte);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
