/** The part of the camera's frame that the model sees: the box around the round guide. */

import type { Area } from "./messages";

export interface Size {
  readonly width: number;
  readonly height: number;
}

const SHARE = 0.84; // of what is shown of the frame: some surroundings stay visible

/**
 * The box in px of the frame, and on the stage, where the frame is shown as by `object-fit: cover`: centred, of the
 * model's shape, as large as SHARE of what is visible allows.
 */
export function guide(frame: Size, stage: Size, input: Size): { area: Area; box: Area } {
  const scale = Math.max(stage.width / frame.width, stage.height / frame.height);
  const shown = { width: stage.width / scale, height: stage.height / scale };
  const unit = SHARE * Math.min(shown.width / input.width, shown.height / input.height);
  const width = Math.min(frame.width, Math.max(1, Math.round(input.width * unit)));
  const height = Math.min(frame.height, Math.max(1, Math.round(input.height * unit)));
  const left = Math.floor((frame.width - width) / 2);
  const top = Math.floor((frame.height - height) / 2);
  const box = {
    left: (left - frame.width / 2) * scale + stage.width / 2,
    top: (top - frame.height / 2) * scale + stage.height / 2,
    width: width * scale,
    height: height * scale,
  };
  return { area: { left, top, width, height }, box };
}
