"use strict";
// A calendar page: month and week drawn by EventCalendar, the agenda by the server. No time is converted here; the
// server says every time in words and as wall times, for the calendar's clocks and for the viewer's.
(() => {
  const main = document.getElementById("content");
  const find = (id) => document.getElementById(id);
  const grid = find("grid"), agenda = find("agenda"), heading = find("heading"), notice = find("notice");
  const details = find("details"), help = find("help");
  const { events: address, token, zone, place } = main.dataset;
  const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone || zone;
  const GRIDS = { month: "dayGridMonth", week: "timeGridWeek" };
  const DAYS = { agenda: 28, week: 7 };
  const SHORT = 45 * 60_000; // milliseconds; what is shorter has room for one line
  const TINY = 30 * 60_000; // milliseconds; what is shorter has less room than a line, and gets that of one
  const DAY = 86_400_000; // milliseconds; dates are counted in UTC, where every day has as many

  const kept = {
    get: (name) => { try { return localStorage.getItem("kalends." + name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem("kalends." + name, value); } catch { /* not kept, then */ } },
  };
  const state = {
    view: main.dataset.view || kept.get("view") || (matchMedia("(max-width: 46rem)").matches ? "agenda" : "month"),
    date: main.dataset.date,
    show: main.dataset.show,
    cancelled: kept.get("cancelled") !== "hidden",
    shortcuts: kept.get("shortcuts") !== "off",
  };
  let calendar = null, isViewerKnown = viewerZone !== zone, asked = 0;

  // ---- dates as text

  const asDate = (text) => new Date(text + "T00:00:00Z");
  const asText = (date) => date.toISOString().slice(0, 10);
  const plus = (text, days) => asText(new Date(asDate(text).getTime() + days * DAY));
  const said = (text, how) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...how }).format(asDate(text));
  const shownZone = () => (state.show === "viewer" && isViewerKnown ? viewerZone : zone);
  const clock = (where) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: where, hour: "2-digit", minute: "2-digit" }).format(new Date());
  const todayIn = (where) => new Intl.DateTimeFormat("en-CA", { timeZone: where }).format(new Date());
  const cityOf = (name) => (name === "UTC" ? name : name.split("/").pop().replaceAll("_", " "));

  function offsetNow(where) {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: where, timeZoneName: "longOffset" }).formatToParts();
    const name = parts.find((part) => part.type === "timeZoneName").value.replace("GMT", "");
    return name === "" ? "UTC" : name.slice(0, 6);
  }

  // ---- elements

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function link(url) {
    return /^https?:\/\//i.test(url)
      ? element("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url)
      : element("bdi", {}, url);
  }

  // A browser may name a zone that the server does not know; the calendar's is left then.
  function forgetViewer() {
    isViewerKnown = false;
    state.show = "calendar";
    showZones();
  }

  // ---- what happens

  async function read(start, end) {
    const query = new URLSearchParams({ token, start, end });
    if (isViewerKnown) query.set("tz", viewerZone);
    const answer = await fetch(`${address}?${query}`, { referrerPolicy: "no-referrer" });
    if (answer.status === 400 && isViewerKnown) {
      forgetViewer();
      return read(start, end);
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    const cut = found.is_cut ? "There are too many events in these days; only the first are shown. " : "";
    const reach = found.known_until ? `Nothing is known yet of ${said(found.known_until, { dateStyle: "long" })} and later.` : "";
    tell(cut + reach);
    return found.events;
  }

  function tell(sentence) {
    notice.textContent = sentence;
    notice.hidden = sentence === "";
  }

  const failed = (error) =>
    tell(error.message === "401"
      ? "This link does not open the calendar any more. Ask for the present one."
      : "The calendar cannot be read just now. Try again in a moment.");

  const timesOf = (happening) => happening[shownZone() === zone ? "calendar" : "viewer"] || happening.calendar;

  function sizeOf(happening) {
    if (happening.all_day) return [];
    const { start, end } = timesOf(happening);
    const size = Date.parse(`${end}Z`) - Date.parse(`${start}Z`);
    return [...(size < SHORT ? ["is-short"] : []), ...(size < TINY ? ["is-tiny"] : [])];
  }

  function asEvent(happening) {
    const { start, end } = timesOf(happening);
    return { id: happening.id, start, end, allDay: happening.all_day, title: happening.title, extendedProps: happening };
  }

  function chip({ event }) {
    const happening = event.extendedProps;
    const { time, when } = timesOf(happening);
    const isBrief = state.view === "month"; // where there is little room the start is enough
    const made = element("button", { type: "button", class: "chip" });
    if (!happening.all_day) made.append(element("span", { class: "chip-time" }, isBrief ? time.slice(0, 5) : time), " ");
    const signs = (happening.status === "tentative" ? "? " : "") + (happening.untrusted ? "✉ " : "");
    const title = element("span", { class: "chip-title" });
    if (signs) title.append(element("span", { "aria-hidden": "true" }, signs));
    title.append(element("bdi", {}, happening.title || "(no title)"));
    const notes = [when, happening.status === "confirmed" ? "" : happening.status, happening.untrusted ? "by mail" : ""];
    made.append(title, element("span", { class: "unseen" }, `, ${notes.filter(Boolean).join(" ")}`));
    return { domNodes: [made] };
  }

  function showDetails(happening) {
    const list = element("dl");
    const add = (term, ...children) => list.append(element("dt", {}, term), element("dd", {}, ...children));
    const when = [timesOf(happening).when];
    const other = happening[shownZone() === zone ? "viewer" : "calendar"];
    if (other && other.when !== when[0]) when.push(element("br"), element("span", { class: "soft" }, other.when));
    add("When", ...when);
    if (happening.repeats) add("Repeats", happening.repeats);
    add("Status", happening.status[0].toUpperCase() + happening.status.slice(1));
    if (happening.location) add("Where", happening.link ? link(happening.link) : element("bdi", {}, happening.location));
    if (happening.untrusted) add("Source", "Came by mail. These are the sender's words, which nobody here has checked.");
    if (happening.description) add("Notes", element("div", { class: "notes", dir: "auto" }, happening.description));
    const close = element("button", { class: "button icon close", "aria-label": "Close" }, "✕");
    const title = element("h2", { id: "details-title" }, element("bdi", {}, happening.title || "(no title)"));
    details.className = `is-${happening.status}`;
    details.replaceChildren(element("form", { method: "dialog" }, close), title, list);
    close.addEventListener("click", (click) => { click.preventDefault(); details.close(); });
    details.showModal();
  }

  // ---- views

  function draw() {
    const isGrid = state.view in GRIDS;
    grid.hidden = !isGrid;
    agenda.hidden = isGrid;
    for (const button of document.querySelectorAll("button[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
    }
    document.body.classList.toggle("hide-cancelled", !state.cancelled);
    grid.className = `is-${state.view}`;
    const unit = state.view === "agenda" ? "four weeks" : state.view;
    find("before").setAttribute("aria-label", `Earlier ${unit}`);
    find("after").setAttribute("aria-label", `Later ${unit}`);
    remember();
    if (isGrid) drawGrid(); else drawAgenda();
  }

  function remember() {
    const query = new URLSearchParams({ token, date: state.date, view: state.view });
    if (isViewerKnown && state.show === "viewer") { query.set("show", "viewer"); query.set("tz", viewerZone); }
    history.replaceState(null, "", `?${query}`);
  }

  function drawGrid() {
    if (calendar) EventCalendar.destroy(calendar);
    grid.replaceChildren();
    const isPhone = matchMedia("(max-width: 46rem)").matches;
    calendar = EventCalendar.create(grid, {
      view: GRIDS[state.view],
      date: state.date,
      timeZone: offsetNow(shownZone()),
      locale: "en-GB",
      firstDay: 1,
      headerToolbar: { start: "", center: "", end: "" },
      height: "100%",
      dayMaxEvents: true,
      moreLinkContent: ({ num }) => (isPhone ? `+${num}` : `+${num} more`),
      nowIndicator: true,
      slotEventOverlap: false,
      allDayContent: "all day",
      slotLabelFormat: { hour: "2-digit", minute: "2-digit" },
      dayPopoverFormat: { weekday: "long", day: "numeric", month: "long" },
      dayHeaderFormat: state.view === "month" ? { weekday: "short" } : { weekday: "short", day: "numeric" },
      columnWidth: isPhone && state.view === "week" ? "7rem" : undefined,
      scrollTime: "07:00:00",
      eventStartEditable: false,
      eventDurationEditable: false,
      eventContent: chip,
      eventClassNames: ({ event }) => [`is-${event.extendedProps.status}`, ...sizeOf(event.extendedProps)],
      eventDidMount: ({ el, event }) => el.addEventListener("click", () => showDetails(event.extendedProps)),
      eventSources: [{
        events: async ({ startStr, endStr }) => {
          grid.classList.add("is-busy");
          try {
            const found = await read(startStr.slice(0, 10), endStr.slice(0, 10));
            return found.filter((each) => state.cancelled || each.status !== "cancelled").map(asEvent);
          } catch (error) {
            failed(error);
            return [];
          } finally {
            grid.classList.remove("is-busy");
          }
        },
      }],
    });
    if (state.view === "month") {
      heading.textContent = said(state.date, { month: "long", year: "numeric" });
    } else {
      const monday = plus(state.date, -((asDate(state.date).getUTCDay() + 6) % 7));
      heading.textContent = `${said(monday, { day: "numeric", month: "short" })} – ${said(plus(monday, 6), { day: "numeric", month: "short", year: "numeric" })}`;
    }
    tidy();
    if (isPhone && state.view === "week") requestAnimationFrame(() => {
      const box = grid.querySelector(".ec-main"), column = grid.querySelector(".ec-col-head.ec-today");
      if (box && column) box.scrollLeft = column.offsetLeft - box.querySelector(".ec-sidebar").offsetWidth;
    });
  }

  // The component says it is a table, without rows in it. What is here to be reached are the events: buttons with full
  // names in a group. The agenda is the list by days.
  function tidy() {
    for (const side of grid.querySelectorAll("aside:not([role])")) side.setAttribute("role", "presentation");
    for (const part of grid.querySelectorAll("[role=table], [role=row], [role=rowgroup], [role=cell], [role=columnheader]")) {
      part.removeAttribute("role");
      part.removeAttribute("aria-colindex");
    }
    for (const label of grid.querySelectorAll(".ec-col-head [aria-label]")) label.removeAttribute("aria-label");
    const box = grid.querySelector(".ec-main");
    if (box && !box.hasAttribute("role")) {
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `Events of ${heading.textContent}`);
      box.tabIndex = 0;
    }
    const popup = grid.querySelector("dialog.ec-popup");
    if (popup && !popup.hasAttribute("aria-label")) popup.setAttribute("aria-label", "All events of this day");
  }
  new MutationObserver(tidy).observe(grid, { childList: true, subtree: true });

  async function drawAgenda() {
    const query = new URLSearchParams({ token, date: state.date, show: state.show });
    if (isViewerKnown) query.set("tz", viewerZone);
    const number = ++asked;
    agenda.classList.add("is-busy");
    try {
      const answer = await fetch(`?${query}`, { headers: { Accept: "text/html" }, referrerPolicy: "no-referrer" });
      if (answer.status === 400 && isViewerKnown) {
        forgetViewer();
        return drawAgenda();
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number !== asked || state.view !== "agenda") return;
      for (const part of [agenda, heading, notice]) {
        const fresh = page.getElementById(part.id);
        part.replaceChildren(...document.importNode(fresh, true).childNodes);
        part.hidden = fresh.hidden;
      }
    } catch (error) {
      failed(error);
    } finally {
      agenda.classList.remove("is-busy");
    }
  }

  // ---- moving about

  function move(direction) {
    if (state.view === "month") {
      const date = asDate(state.date.slice(0, 8) + "01");
      date.setUTCMonth(date.getUTCMonth() + direction);
      state.date = asText(date);
    } else {
      state.date = plus(state.date, direction * DAYS[state.view]);
    }
    draw();
  }

  function goToday() { state.date = todayIn(shownZone()); draw(); }
  function setView(view) { state.view = view; kept.set("view", view); draw(); }
  function setShow(show) { state.show = show; showZones(); draw(); }
  function toggleZone() { if (isViewerKnown) setShow(state.show === "viewer" ? "calendar" : "viewer"); }

  // ---- zones

  function showZones() {
    const box = document.querySelector(".zones");
    if (!isViewerKnown) {
      box.replaceChildren(element("p", { class: "soft" }, `Times ${place}, where it is ${clock(zone)}`));
      return;
    }
    const buttons = [["calendar", zone, cityOf(zone)], ["viewer", viewerZone, `You: ${cityOf(viewerZone)}`]].map(([show, where, label]) => {
      const button = element("button", { type: "button", "aria-pressed": String(state.show === show), title: where }, label, element("b", {}, clock(where)));
      button.addEventListener("click", () => { setShow(show); document.querySelector(".zones [aria-pressed=true]").focus(); });
      return button;
    });
    box.replaceChildren(element("div", { class: "segments", role: "group", "aria-label": "Times shown in" }, ...buttons));
  }
  setInterval(() => {
    const found = [...document.querySelectorAll(".zones b")];
    if (found.length === 2) [zone, viewerZone].forEach((where, index) => { found[index].textContent = clock(where); });
    else showZones();
  }, 15_000);

  // ---- hands on

  for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
  const act = (id, does) => find(id).addEventListener("click", (click) => { click.preventDefault(); does(); });
  act("before", () => move(-1));
  act("after", () => move(1));
  act("at-today", goToday);
  act("help-button", () => help.showModal());
  for (const button of document.querySelectorAll("button[data-view]")) button.addEventListener("click", () => setView(button.dataset.view));
  find("cancelled").checked = state.cancelled;
  find("cancelled").addEventListener("change", ({ target }) => {
    state.cancelled = target.checked;
    kept.set("cancelled", target.checked ? "shown" : "hidden");
    draw();
  });
  find("shortcuts").checked = state.shortcuts;
  find("shortcuts").addEventListener("change", ({ target }) => {
    state.shortcuts = target.checked;
    kept.set("shortcuts", target.checked ? "on" : "off");
  });
  help.querySelector("form").addEventListener("submit", (submit) => { submit.preventDefault(); help.close(); });
  for (const dialog of [details, help]) dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = find(button.dataset.copy);
      field.select();
      try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand("copy"); }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2_000);
    });
  }
  const menu = find("subscribe");
  document.addEventListener("click", ({ target }) => { if (!menu.contains(target)) menu.open = false; });

  const KEYS = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), t: goToday, z: toggleZone, "?": () => help.showModal(),
    m: () => setView("month"), w: () => setView("week"), a: () => setView("agenda"),
  };
  document.addEventListener("keydown", (press) => {
    if (press.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    const isTyped = press.target.closest("input:not([type=checkbox]), textarea, select, dialog");
    if (!state.shortcuts || press.ctrlKey || press.metaKey || press.altKey || isTyped || details.open || help.open) return;
    const does = KEYS[press.key];
    if (does) { press.preventDefault(); does(); }
  });

  showZones();
  draw();
})();
