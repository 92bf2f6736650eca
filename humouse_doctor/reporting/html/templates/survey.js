(function () {
  "use strict";
  var table = document.getElementById("table"), body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows), heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var words = document.getElementById("filter"), state = document.getElementById("state"), shown = document.getElementById("shown");
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var order = new Intl.Collator(undefined, { numeric: true });
  function filter() {
    var wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean), count = 0;
    rows.forEach(function (row, place) {
      var kept = (!state.value || row.dataset.state === state.value)
        && wanted.every(function (word) { return texts[place].indexOf(word) >= 0; });
      row.hidden = !kept;
      count += kept ? 1 : 0;
    });
    shown.textContent = count + " of " + rows.length + " runs";
  }
  function value(row, column) {
    var cell = row.cells[column], text = cell.dataset.sort === undefined ? cell.textContent : cell.dataset.sort;
    return text !== "" && isFinite(text) ? Number(text) : text;
  }
  function compare(one, other) {
    var numeric = typeof one === "number", alike = numeric === (typeof other === "number");
    if (!alike) { return numeric ? -1 : 1; }
    return numeric ? one - other : order.compare(one, other);
  }
  function sort(head, column) {
    var falling = head.getAttribute("aria-sort") === "ascending";
    var keyed = Array.prototype.slice.call(body.rows).map(function (row) { return { row: row, value: value(row, column) }; });
    keyed.sort(function (one, other) {
      if ((one.value === "") !== (other.value === "")) { return one.value === "" ? 1 : -1; }
      return falling ? compare(other.value, one.value) : compare(one.value, other.value);
    });
    heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    var sorted = document.createDocumentFragment();
    keyed.forEach(function (one) { sorted.appendChild(one.row); });
    body.appendChild(sorted);
  }
  heads.forEach(function (head, column) {
    if (head.tagName !== "TH") { return; }
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () { sort(head, column); });
  });
  words.addEventListener("input", filter);
  state.addEventListener("change", filter);
  document.querySelector(".filters").hidden = false;
  filter();
})();
