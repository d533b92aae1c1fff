import { join } from 'node:path';
import type { Handlers } from './calls.ts';
import { TimelineView } from './timeline-view.ts';
import type { PictureArea, StatusBarItem, Tooltip, Workbench } from './workbench.ts';

/** What a suite may ask of the window around it. Regular expressions travel as their source. */
export interface WindowCalls {
  /** Takes a picture. The answer is its file. */
  picture: { ask: { name: string; area?: PictureArea }; answer: string };
  press: { ask: { key: string }; answer: null };
  type: { ask: { text: string }; answer: null };
  searchPalette: { ask: { text: string }; answer: string[] };
  pickerRows: { ask: { matching: string }; answer: string[] };
  typeInPicker: { ask: { text: string }; answer: null };
  checkPickerRow: { ask: { text: string }; answer: null };
  pickerClosed: { ask: null; answer: null };
  statusBarItem: { ask: { id: string; label: string }; answer: StatusBarItem };
  statusBarItemHidden: { ask: { id: string }; answer: null };
  clickStatusBarItem: { ask: { id: string }; answer: null };
  hoverStatusBarItem: { ask: { id: string }; answer: Tooltip };
  pointAway: { ask: null; answer: null };
  notification: { ask: { text: string }; answer: string };
  clickInNotification: { ask: { text: string; button: string }; answer: null };
  typeInChat: { ask: { text: string }; answer: null };
  takePrompt: { ask: null; answer: string };
  dismissNotifications: { ask: null; answer: null };
  treeRows: { ask: { matching: string }; answer: string[] };
  hoverTreeRow: { ask: { matching: string }; answer: null };
  clickTreeRow: { ask: { matching: string }; answer: null };
  clickButton: { ask: { name: string }; answer: null };
  timelineText: { ask: { matching: string }; answer: string };
  clickInTimeline: { ask: { button: string }; answer: null };
  pressInTimeline: { ask: { key: string }; answer: null };
  timelineViolations: { ask: null; answer: string[] };
}

/** The variable by which the suite learns of the window's endpoint. A desktop window has none. */
export const WINDOW_VARIABLE = 'RESILIENT_MCP_TEST_WINDOW';

/**
 * Carries the calls out.
 *
 * @param opened the window; calls that come before it is open wait for it.
 * @param pictures the folder of the pictures.
 */
export function windowHandlers(opened: Promise<Workbench>, pictures: string): Handlers<WindowCalls> {
  const file = (name: string): string => join(pictures, `${name.replace(/[^\w.-]/g, '-')}.png`);
  const timeline = async () => new TimelineView((await opened).page);
  return {
    picture: async ({ name, area }) => {
      await (await opened).picture(file(name), area);
      return file(name);
    },
    press: async ({ key }) => (await opened).press(key).then(nothing),
    type: async ({ text }) => (await opened).type(text).then(nothing),
    searchPalette: async ({ text }) => (await opened).searchPalette(text),
    pickerRows: async ({ matching }) => (await opened).pickerRows(new RegExp(matching)),
    typeInPicker: async ({ text }) => (await opened).typeInPicker(text).then(nothing),
    checkPickerRow: async ({ text }) => (await opened).checkPickerRow(text).then(nothing),
    pickerClosed: async () => (await opened).pickerClosed().then(nothing),
    statusBarItem: async ({ id, label }) => (await opened).statusBarItem(id, new RegExp(label)),
    statusBarItemHidden: async ({ id }) => (await opened).statusBarItemHidden(id).then(nothing),
    clickStatusBarItem: async ({ id }) => (await opened).clickStatusBarItem(id).then(nothing),
    hoverStatusBarItem: async ({ id }) => (await opened).hoverStatusBarItem(id),
    pointAway: async () => (await opened).pointAway().then(nothing),
    notification: async ({ text }) => (await opened).notification(new RegExp(text)),
    clickInNotification: async ({ text, button }) =>
      (await opened).clickInNotification(new RegExp(text), button).then(nothing),
    typeInChat: async ({ text }) => (await opened).typeInChat(text).then(nothing),
    takePrompt: async () => (await opened).takePrompt(),
    dismissNotifications: async () => (await opened).dismissNotifications().then(nothing),
    treeRows: async ({ matching }) => (await opened).treeRows(new RegExp(matching)),
    hoverTreeRow: async ({ matching }) => (await opened).hoverTreeRow(new RegExp(matching)).then(nothing),
    clickTreeRow: async ({ matching }) => (await opened).clickTreeRow(new RegExp(matching)).then(nothing),
    clickButton: async ({ name }) => (await opened).clickButton(name).then(nothing),
    timelineText: async ({ matching }) => (await timeline()).text(new RegExp(matching)),
    clickInTimeline: async ({ button }) => (await timeline()).click(button).then(nothing),
    pressInTimeline: async ({ key }) => (await timeline()).press(key).then(nothing),
    timelineViolations: async () => (await timeline()).violations(),
  };
}

/** JSON has no undefined. */
const nothing = (): null => null;
