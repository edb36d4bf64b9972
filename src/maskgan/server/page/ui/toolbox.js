import { BendTool } from "./tools/bend-tool.js";
import { BrushTool } from "./tools/brush-tool.js";
import { FillTool } from "./tools/fill-tool.js";
import { LassoTool } from "./tools/lasso-tool.js";
import { MoveTool } from "./tools/move-tool.js";
import { PickerTool } from "./tools/picker-tool.js";
import { StampTool } from "./tools/stamp-tool.js";

/**
 * One of each tool, by name.
 *
 * @param {import("./tools/tool.js").Bench} bench
 * @returns {Record<string, import("./tools/tool.js").Tool> & {stamp: StampTool}}
 */
export function toolbox(bench) {
  return {
    brush: new BrushTool(bench, false),
    eraser: new BrushTool(bench, true),
    fill: new FillTool(bench),
    lasso: new LassoTool(bench),
    picker: new PickerTool(bench),
    move: new MoveTool(bench),
    bend: new BendTool(bench),
    stamp: new StampTool(bench),
  };
}
