// Keys and buttons: each of them does one action.
import { ARTERIES } from "./api";
import { showHelp } from "./dialogs";
import { announce, find } from "./elements";
import { findAction, isTyping, type Action } from "./keys";
import type { Tool } from "./pointer";
import type { Reading } from "./reading";
import { WINDOWS } from "./view";
import { t } from "./words";

const SHORTCUTS = "coronode.shortcuts";
const FAR_PIXELS = 10;
const MANY_SLICES = 5;
const ZOOM = 1.25;

/** Let keys and buttons work on a reading. */
export function attachControls(reading: Reading): void {
  const actions = listActions(reading);
  for (const button of document.querySelectorAll<HTMLElement>("[data-action]")) {
    button.addEventListener("click", () => actions[button.dataset.action ?? ""]?.());
  }
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=tool]")) {
    radio.addEventListener("change", () => (reading.view.tool = radio.value as Tool));
  }
  reading.view.onWindow = ({ width, centre }) => {
    for (const [name, preset] of Object.entries(WINDOWS)) {
      const button = document.querySelector(`[data-action="window_${name}"]`);
      button?.setAttribute("aria-pressed", String(preset.width === width && preset.centre === centre));
    }
  };
  const shortcuts = find<HTMLInputElement>("shortcuts");
  shortcuts.checked = localStorage.getItem(SHORTCUTS) !== "no";
  shortcuts.addEventListener("change", () => localStorage.setItem(SHORTCUTS, shortcuts.checked ? "yes" : "no"));
  document.addEventListener("keydown", (event) => {
    const action = findAction(event);
    // a key that closes a dialog arrives here when it is closed already
    const asked = event.target instanceof Element && event.target.closest("dialog");
    if (!action || isTyping(event) || asked || document.querySelector("dialog[open]")) return;
    // keys of one letter can be switched off for those who dictate; on images and list they always work
    const focus = event.target instanceof Element && event.target.closest(".pane, #lesions");
    if (!focus && (!shortcuts.checked || belongsToControl(event))) return;
    event.preventDefault();
    act(reading, actions, action, event);
  });
}

function act(reading: Reading, actions: Record<Action, () => void>, action: Action, event: KeyboardEvent): void {
  const list = event.target instanceof Element && event.target.closest("#lesions");
  if (list && action === "slice_up") reading.chooseNext(-1);
  else if (list && action === "slice_down") reading.chooseNext(1);
  else actions[action]?.();
}

/** Arrows and paging belong to whatever else has the focus: a slider, a group of choices, a page that scrolls. */
function belongsToControl(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement) || target === document.body) return false;
  const moves = /^(Arrow|Page|Home|End)/.test(event.key);
  return moves && target.matches("input, summary, [tabindex], a");
}

function listActions(reading: Reading): Record<Action, () => void> {
  const { view } = reading;
  const step = (slices: number) => () => view.show(view.index + slices);
  const cross = (columns: number, rows: number) => () => announce(view.moveCross(columns, rows));
  const adjust = (width: number, centre: number) => () => {
    view.pane.setWindow({ width: view.pane.window.width + width, centre: view.pane.window.centre + centre });
    reading.comparison.setWindow();
    announce(t("window", view.pane.window as unknown as Record<string, number>));
  };
  const actions: Record<Action, () => void> = {
    next_lesion: () => reading.chooseNext(1),
    previous_lesion: () => reading.chooseNext(-1),
    accept: () => reading.accept(),
    reject: () => reading.reject(),
    add: () => void reading.add(),
    split: () => reading.split(),
    trim: () => reading.trim(),
    undo: () => reading.step("undo"),
    redo: () => reading.step("redo"),
    restart: () => reading.step("restart"),
    sign: () => void reading.sign(),
    slice_up: step(1),
    slice_down: step(-1),
    slices_up: step(MANY_SLICES),
    slices_down: step(-MANY_SLICES),
    first_slice: () => view.show(0),
    last_slice: () => view.show(view.count - 1),
    cross_left: cross(-1, 0),
    cross_right: cross(1, 0),
    cross_up: cross(0, -1),
    cross_down: cross(0, 1),
    cross_far_left: cross(-FAR_PIXELS, 0),
    cross_far_right: cross(FAR_PIXELS, 0),
    cross_far_up: cross(0, -FAR_PIXELS),
    cross_far_down: cross(0, FAR_PIXELS),
    pan: () => view.cross && view.pane.centreAt([view.cross[2] + 0.5, view.cross[1] + 0.5]),
    zoom_in: () => view.pane.zoom(ZOOM),
    zoom_out: () => view.pane.zoom(1 / ZOOM),
    reset: () => view.reset(),
    brighter: adjust(0, -25),
    darker: adjust(0, 25),
    harder: adjust(-50, 0),
    softer: adjust(50, 0),
    magnify: () => toggle("magnify", (view.lens = !view.lens), () => view.draw()),
    measure: () => announce(view.measureAtCross()),
    outlines: () => {
      toggle("outlines", (view.outlines = !view.outlines), () => view.draw());
      reading.comparison.setOutlines();
    },
    compare: () => reading.toggleCompare(),
    help: showHelp,
  };
  for (const artery of ARTERIES) actions[`artery_${artery.toLowerCase()}`] = () => reading.move(artery);
  for (const [name, window] of Object.entries(WINDOWS)) {
    actions[`window_${name}`] = () => {
      view.pane.setWindow(window);
      reading.comparison.setWindow();
      announce(t(`action_window_${name}`));
    };
  }
  return actions;
}

function toggle(name: string, on: boolean, draw: () => void): void {
  find(`do-${name}`).setAttribute("aria-pressed", String(on));
  announce(t(on ? "switched_on" : "switched_off", { what: t(`action_${name}`) }));
  draw();
}
