(function () {
  "use strict";
  var status = document.getElementById("copy-status");
  function told(button, text) {
    var before = button.dataset.label;
    button.textContent = text;
    status.textContent = text;
    window.setTimeout(function () { button.textContent = before; status.textContent = ""; }, 4000);
  }
  function select(source) {
    var range = document.createRange();
    range.selectNodeContents(source);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }
  function byHand(button, source) {
    select(source);
    var done = false;
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    told(button, done ? "Copied" : "Selected: press Ctrl+C");
  }
  function unfold() {
    var target = document.getElementById(window.location.hash.slice(1));
    for (var part = target; part; part = part.parentElement) { if (part.tagName === "DETAILS") { part.open = true; } }
    if (target) { target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", unfold);
  if (window.location.hash) { unfold(); }
  function player(button) {
    var plots = document.getElementById(button.dataset.plays), label = button.textContent, began = 0, frame = 0;
    var walks = Array.from(plots.querySelectorAll(".walk"), function (walk) {
      var points = walk.firstChild.getAttribute("d").slice(1).split(" ").map(Number);
      return { dot: walk.lastChild, points: points, last: points.length / 2 - 1 };
    });
    function put(share) {
      walks.forEach(function (walk) {
        var at = share * walk.last, step = Math.min(Math.floor(at), walk.last - 1), rest = at - step;
        ["cx", "cy"].forEach(function (name, axis) {
          var from = walk.points[2 * step + axis], to = walk.points[2 * step + 2 + axis];
          walk.dot.setAttribute(name, from + (to - from) * rest);
        });
      });
    }
    function stop() {
      window.cancelAnimationFrame(frame);
      frame = began = 0;
      put(0);
      plots.classList.remove("playing");
      button.textContent = label;
    }
    function go(now) {
      began = began || now;
      if (now - began >= 5000) { stop(); return; }
      put((now - began) / 5000);
      frame = window.requestAnimationFrame(go);
    }
    button.hidden = !walks.length || window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    button.addEventListener("click", function () {
      if (frame) { stop(); return; }
      plots.classList.add("playing");
      button.textContent = "Stop";
      frame = window.requestAnimationFrame(go);
    });
  }
  document.querySelectorAll("button[data-plays]").forEach(player);
  document.querySelectorAll("button[data-copies]").forEach(function (button) {
    var source = document.getElementById(button.dataset.copies);
    button.dataset.label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", function () {
      if (!navigator.clipboard) { byHand(button, source); return; }
      navigator.clipboard.writeText(source.textContent).then(
        function () { told(button, "Copied"); },
        function () { byHand(button, source); }
      );
    });
  });
})();
