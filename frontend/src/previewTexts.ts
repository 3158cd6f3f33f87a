// Every text of the previews of a file, which are loaded when one is opened. See texts.ts.

const number = (value: number) => new Intl.NumberFormat("en").format(value);

export const previewTexts = {
  position: (index: number, total: number) => `${number(index)} of ${number(total)}`,
  shown: (name: string, position: string) => `${name}, ${position}`,
  previous: "Previous file",
  next: "Next file",
  close: "Close",
  download: "Download",
  content: (name: string) => `Preview of ${name}`,
  views: "View",
  pages: "Pages",
  text: "Text",
  page: (page: number) => `Page ${number(page)}`,
  pagesTotal: (total: number) => (total === 1 ? "1 page" : `${number(total)} pages`),
  firstPages: (shown: number, total: number) => `The first ${number(shown)} of ${number(total)} pages are shown.`,
  loading: "Loading preview…",
  none: "There is no preview of this file.",
  broken: "The preview can't be loaded right now.",
  noText: "No text was found in this file.",
  cut: (size: string) => `Only the first ${size} of the text are shown.`,
  textFailed: "The text can't be shown here.",
  openText: "Open it in a new tab",
  making: (done: number, total: number) =>
    total === 0 ? "Making previews…" : `Making previews… ${number(done)} of ${number(total)}`,
  waiting: "Waiting to make previews",
  failed: "Some previews could not be made",
  failedAll: "No preview could be made",
  kept: "The file itself is kept as it was uploaded.",
};
