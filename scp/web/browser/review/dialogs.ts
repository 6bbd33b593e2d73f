// What is asked in a dialog: the artery of a new lesion, the signature; and the table of keys.
import { ARTERIES, type Artery, type State } from "./api";
import { find, make } from "./elements";
import { ROWS } from "./keys";
import { fillTable } from "./result";
import { nameKey, number, t } from "./words";

/** Ask for the artery of a lesion; undefined where the reader thinks better of it. */
export function askArtery(): Promise<Artery | undefined> {
  const dialog = find<HTMLDialogElement>("artery-dialog");
  return new Promise((resolve) => {
    const chosen = (event: KeyboardEvent): void => {
      const artery = ARTERIES[Number(event.key) - 1];
      if (artery) dialog.close(artery);
    };
    dialog.addEventListener("keydown", chosen);
    dialog.addEventListener(
      "close",
      () => {
        dialog.removeEventListener("keydown", chosen);
        resolve(ARTERIES.find((artery) => artery === dialog.returnValue));
      },
      { once: true },
    );
    dialog.returnValue = "";
    dialog.showModal();
  });
}

/** Show what is about to be signed; the reader's name, or undefined where it is not signed. */
export function askSignature(state: State, known: string): Promise<string | undefined> {
  const dialog = find<HTMLDialogElement>("sign-dialog");
  const { result, automatic } = state;
  fillTable(find("sign-arteries"), result, automatic);
  const numbers = (total: number, category: string): string => `${number(total)} (${category})`;
  find("sign-change").textContent = t("sign_change", {
    before: numbers(automatic.agatston.total, automatic.category),
    after: numbers(result.agatston.total, result.category),
  });
  find("sign-warnings").replaceChildren(...state.warnings.map((words) => make("li", {}, words)));
  const name = find<HTMLInputElement>("reader");
  find("reader-field").hidden = known !== "";
  name.required = known === "";
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "sign" ? known || name.value.trim() : undefined),
      { once: true },
    );
    dialog.returnValue = "";
    dialog.showModal();
    (known ? find("sign-confirm") : name).focus();
  });
}

/** Show the table of keys. */
export function showHelp(): void {
  find("key-table").replaceChildren(
    ...ROWS.map((row) => {
      const keys = row.keys.flatMap((key, index) => [index ? ` ${t("or")} ` : "", make("kbd", {}, nameKey(key))]);
      return make("tr", {}, make("th", { scope: "row" }, ...keys), make("td", {}, t(`action_${row.action}`)));
    }),
  );
  find<HTMLDialogElement>("help-dialog").showModal();
}
