import { describe, expect, test } from "vitest";
import { turnedSize, turning, webpOrientation } from "../src/orientation";

/** A WebP file of these chunks, as far as it is read. */
function webp(...chunks: [string, number[]][]): Uint8Array {
  const code = (word: string): number[] => [...word].map((char) => char.charCodeAt(0));
  const length = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];
  const body = chunks.flatMap(([name, data]) => [...code(name), ...length(data.length), ...data, ...(data.length % 2 ? [0] : [])]);
  return Uint8Array.from([...code("RIFF"), ...length(4 + body.length), ...code("WEBP"), ...body]);
}

const big = (value: number): number[] => [77, 77, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, value, 0, 0];
const little = (value: number): number[] => [73, 73, 42, 0, 8, 0, 0, 0, 1, 0, 18, 1, 3, 0, 1, 0, 0, 0, value, 0, 0, 0];
const EXIF = [69, 120, 105, 102, 0, 0]; // which some writers put before it

describe("the orientation of a WebP", () => {
  test.each([
    ["big-endian", webp(["VP8X", Array(10).fill(0)], ["EXIF", big(6)]), 6],
    ["little-endian, after a chunk of odd length", webp(["VP8L", [1, 2, 3]], ["EXIF", little(8)]), 8],
    ["with the header of a JPEG's", webp(["EXIF", [...EXIF, ...little(3)]]), 3],
    ["none", webp(["VP8L", [1, 2, 3, 4]]), 1],
    ["not known", webp(["EXIF", big(9)]), 1],
    ["cut off", webp(["EXIF", big(6).slice(0, 15)]), 1],
    ["of a chunk that says it is longer", webp(["EXIF", big(6)]).slice(0, 30), 1],
    ["of another file", Uint8Array.from([137, 80, 78, 71]), 1],
    ["of an empty one", new Uint8Array(), 1],
  ])("%s", (_, bytes, expected) => expect(webpOrientation(bytes)).toBe(expected));
});

/** Where each pixel of a picture of 3 by 2 comes to lie, as the EXIF standard has it: a row 0 at the top and a column 0 at the left. */
const MOVED: Record<number, string[]> = {
  1: ["abc", "def"], 2: ["cba", "fed"], 3: ["fed", "cba"], 4: ["def", "abc"],
  5: ["ad", "be", "cf"], 6: ["da", "eb", "fc"], 7: ["fc", "eb", "da"], 8: ["cf", "be", "ad"],
};

test.each(Object.keys(MOVED).map(Number))("orientation %i moves each pixel where it belongs", (orientation) => {
  const size = { width: 3, height: 2 };
  const [a, b, c, d, e, f] = turning(size, orientation);
  const turned = turnedSize(size, orientation);
  const rows = Array.from({ length: turned.height }, () => Array<string>(turned.width).fill("?"));
  ["abc", "def"].forEach((row, y) => [...row].forEach((name, x) => {
    const [left, top] = [a * (x + 0.5) + c * (y + 0.5) + e, b * (x + 0.5) + d * (y + 0.5) + f]; // middles
    rows[Math.floor(top)]![Math.floor(left)] = name;
  }));
  expect(rows.map((row) => row.join(""))).toEqual(MOVED[orientation]);
});
