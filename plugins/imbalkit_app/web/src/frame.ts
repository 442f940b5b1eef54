/** Pixels of frames and files, in a worker. */

import type { Area } from "./messages";
import { leftToTurn, turnedSize, turning } from "./orientation";
import { withoutAlpha, type Picture } from "./resize";

let canvas: OffscreenCanvas | null = null;

/** The area of a frame as RGB, not scaled. */
export function framePixels(frame: VideoFrame | ImageBitmap, area: Area): Picture {
  const { left, top, width, height } = area;
  return draw(width, height, (context) => context.drawImage(frame, left, top, width, height, 0, 0, width, height));
}

/**
 * A picture file as RGB, as Pillow reads it: no colour management, transparency over white, upright by EXIF if asked.
 * Throws where the browser cannot decode it.
 */
export async function filePixels(file: Blob, exif: boolean): Promise<Picture> {
  const options: ImageBitmapOptions = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  if (!exif) options.imageOrientation = "none" as ImageOrientation; // is not in the types, nor in every browser
  const bitmap = await createImageBitmap(file, options);
  try {
    const orientation = exif ? await leftToTurn(file) : 1;
    const { width, height } = turnedSize(bitmap, orientation);
    return draw(width, height, (context) => {
      context.setTransform(...turning(bitmap, orientation));
      context.drawImage(bitmap, 0, 0);
      context.resetTransform();
    });
  } finally {
    bitmap.close();
  }
}

/** What was drawn last; the next frame gets a canvas of its own. */
export function lastDrawn(): ImageBitmap {
  if (canvas === null) throw new Error("No frame was read yet.");
  return canvas.transferToImageBitmap();
}

function draw(width: number, height: number, paint: (context: OffscreenCanvasRenderingContext2D) => void): Picture {
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (context === null) throw new Error("The browser gives no canvas: too little memory?");
  context.imageSmoothingEnabled = false;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  paint(context);
  return withoutAlpha(context.getImageData(0, 0, width, height).data, width, height);
}
