// The page on which a reader sees what was counted, corrects it and signs.
import { Reading } from "./review/reading";

const root = document.getElementById("review");
if (root) void new Reading(root).start();
