import { BendTool } from "./tools/bend-tool.js";
import { BrushTool } from "./tools/brush-tool.js";
import { FillTool } from "./tools/fill-tool.js";
import { LassoTool } from "./tools/lasso-tool.js";
import { MoveTool } from "./tools/move-tool.js";
import { PickerTool } from "./tools/picker-tool.js";
import { StampTool } from "./tools/stamp-tool.js";

/**
 * Create all tools, by name.
 *
 * @param {import("./tools/tool.js").ToolContext} editor
 * @returns {Record<string, import("./tools/tool.js").Tool> & {stamp: StampTool, picker: PickerTool, move: MoveTool}}
 */
export function createTools(editor) {
  return {
    brush: new BrushTool(editor, false),
    eraser: new BrushTool(editor, true),
    fill: new FillTool(editor),
    lasso: new LassoTool(editor),
    picker: new PickerTool(editor),
    move: new MoveTool(editor),
    bend: new BendTool(editor),
    stamp: new StampTool(editor),
  };
}
