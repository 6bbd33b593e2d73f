// Totals, by artery and altogether, beside those of the automatic result; who signed; what was done.
import { ARTERIES, type Artery, type Result, type State } from "./api";
import { find, make } from "./elements";
import { moment, number, signed, t } from "./words";

const COLUMNS = [...ARTERIES, "total"] as const;

/** Show what the state says beside the images and the list. */
export function showResult(state: State): void {
  const { result, automatic } = state;
  find("total").textContent = number(result.agatston.total);
  const category = find("category");
  category.textContent = result.category;
  category.dataset.category = result.category;
  find("cac-drs").textContent = result.cac_drs;
  find("range").textContent = t("range", { low: number(result.agatston_range[0]), high: number(result.agatston_range[1]) });
  fillTable(find("arteries"), result, automatic);
  showLine("percentile", result.percentile);
  showLine("change", result.change);
  find("warnings").replaceChildren(...state.warnings.map((words) => make("li", {}, words)));
  showStatus(state);
  showHistory(state);
}

/** Fill the table of arteries: what is now, what was automatic, and between the two. */
export function fillTable(table: HTMLElement, result: Result, automatic: Result): void {
  const cells = (row: string, show: (key: "total" | Artery) => string): void => {
    const made = COLUMNS.map((key) => {
      const changed = result.agatston[key].toFixed(1) !== automatic.agatston[key].toFixed(1);
      return make("td", { class: "number", "data-changed": changed }, show(key));
    });
    const line = table.querySelector(`[data-row="${row}"]`);
    line?.querySelectorAll("td").forEach((cell) => cell.remove());
    line?.append(...made);
  };
  cells("now", (key) => number(result.agatston[key]));
  cells("automatic", (key) => number(automatic.agatston[key]));
  cells("difference", (key) => signed(result.agatston[key] - automatic.agatston[key]));
}

function showLine(id: string, words: string | null): void {
  const line = find(id);
  line.textContent = words ?? "";
  line.hidden = !words;
}

function showStatus(state: State): void {
  const status = find("status");
  if (state.signed) {
    status.textContent = t("status_signed", { by: state.signed.by, at: moment(state.signed.at) });
    status.dataset.kind = "good";
  } else if (state.edits.some((edit) => !edit.undone)) {
    status.textContent = t("status_draft");
    status.dataset.kind = "warn";
  } else {
    status.textContent = t("status_automatic");
    status.dataset.kind = "";
  }
}

function showHistory(state: State): void {
  find("history").replaceChildren(
    ...state.edits.map((edit) => {
      const words = edit.undone ? make("del", {}, edit.words) : make("span", {}, edit.words);
      const told = edit.undone ? [words, ` (${t("undone")})`] : [words];
      const by = t("edited_by", { by: edit.by || t("local_reader"), at: moment(edit.at) });
      return make("li", {}, ...told, make("span", { class: "faint" }, by));
    }),
  );
  find("no-history").hidden = state.edits.length > 0;
  const list = find("history");
  list.scrollTop = list.scrollHeight;
}
