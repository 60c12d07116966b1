<?php echo 'home';
