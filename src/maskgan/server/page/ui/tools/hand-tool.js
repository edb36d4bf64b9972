import { Tool } from "./tool.js";

/** Moves the view: beside cards and colours, a press on the face paints nothing. */
export class HandTool extends Tool {
  cursor = "grab";
  pans = true;
}
